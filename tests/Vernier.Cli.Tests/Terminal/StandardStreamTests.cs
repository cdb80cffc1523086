using System.Diagnostics;
using Vernier.Files.Gguf;

namespace Vernier.Cli.Tests.Terminal;

/// <summary>Streams that are closed or full, and files whose texts are meant to steer a terminal.</summary>
public sealed class StandardStreamTests : TemporaryFolder
{
    private const string Hostile = "a\u001b[2J\u0007\u0000\u009b1m\u202eb\nfaked line";

    /// <summary>The message is lost; the exit code is not.</summary>
    [ShellTheory]
    [InlineData("2>&-", 1)]
    [InlineData("2>/dev/full", 1)]
    [InlineData("2>&- <&-", 1)]
    public void StandardErrorThatCannotBeWritten(string redirection, int exitCode) => Assert.Equal(exitCode, Shell($"inspect /nope {redirection}").ExitCode);

    /// <summary>A result that nobody gets is a failure, and it says so.</summary>
    [ShellTheory]
    [InlineData("", ">&-")]
    [InlineData("", ">/dev/full")]
    [InlineData("--json -", ">&-")]
    [InlineData("--json -", ">/dev/full")]
    public void StandardOutputThatCannotBeWritten(string options, string redirection)
    {
        TinyModelFile.Write(At("model.gguf"));
        var run = Shell($"inspect '{At("model.gguf")}' {options} {redirection}");
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("vernier: standard output cannot be written: ", run.Error, StringComparison.Ordinal);
    }

    [ShellFact]
    public void ProgressThatNobodySees()
    {
        TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog\n", 50)));
        foreach (var redirection in (string[])["2>&-", "2>/dev/full"])
            Assert.Equal(0, Shell($"tune '{At("model.gguf")}' --data '{At("text.txt")}' --steps 2 --context 32 --threads 1 --out '{At("run")}' --force >/dev/null {redirection}").ExitCode);
    }

    [Fact]
    public void NamesInAFileCannotSteerTheTerminal()
    {
        TinyModelFile.Write(At("model.gguf"));
        using (var writer = GgufWriter.Create(At("hostile.gguf"), GgufMetadata.Of([GgufValue.Of("general.architecture", Hostile)]), [Renamed(At("model.gguf"))]))
        {
            using var file = GgufFile.Open(At("model.gguf"));
            writer.Write(file.Bytes(file.Tensors[0]));
            writer.Commit();
        }
        var listed = CommandLine.Vernier("inspect", At("hostile.gguf"), "--tensors");
        Assert.Equal(0, listed.ExitCode);
        AssertHarmless(listed.Output);
        Assert.Contains("\\x1b[2J\\x07\\x00\\x9b1m\\u202eb\\nfaked line", listed.Output, StringComparison.Ordinal);
        var refused = CommandLine.Vernier("generate", At("hostile.gguf"), "--prompt", "x");
        Assert.Equal(1, refused.ExitCode);
        AssertHarmless(refused.Error);
        AssertHarmless(CommandLine.Vernier("inspect", At("no\u001b[2J\u202esuch file")).Refusal());
        AssertHarmless(CommandLine.Vernier("tune", "--config", At("\u001b[2J.yaml")).Refusal());
        AssertHarmless(CommandLine.Vernier("\u001b[2J").Error);
    }

    private static GgufTensorPlan Renamed(string model)
    {
        using var file = GgufFile.Open(model);
        return file.Tensors[0].Plan with { Name = Hostile };
    }

    private static void AssertHarmless(string text)
    {
        Assert.DoesNotContain(text, c => c != '\n' && (char.IsControl(c) || c == '\u202e'));
        Assert.DoesNotContain(text.Split('\n'), line => line.StartsWith("faked line", StringComparison.Ordinal));
    }

    private static (int ExitCode, string Error) Shell(string arguments)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", $"dotnet '{CommandLine.Program}' {arguments}"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal("", output.Result.Trim());
        return (process.ExitCode, error);
    }
}
