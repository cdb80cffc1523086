using System.Text.Json;

namespace Vernier.Cli.Tests;

/// <summary>What ends a run from outside leaves the last good checkpoint, and <c>--resume</c> goes on with the very same losses.</summary>
public sealed class InterruptedRunTests : TemporaryFolder
{
    private const int Steps = 12;

    private string[] Options(string run) =>
        ["tune", At("model.gguf"), "--data", At("text.txt"), "--method", "full", "--lr", "1e-3", "--context", "32", "--batch", "2", "--steps", $"{Steps}", "--checkpoint-every", "1", "--threads", "1", "--out", At(run)];

    public InterruptedRunTests()
    {
        TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", string.Concat(Enumerable.Range(0, 200).Select(i => $"the quick fox {i} jumps over the lazy dog {i * 7 % 13}\n")));
    }

    [Fact]
    public void KilledInTheMiddleOfACheckpoint()
    {
        Assert.Equal(0, CommandLine.Vernier(Options("whole")).ExitCode);
        using (var process = CommandLine.Begin(Options("killed")))
        {
            // A checkpoint being written bears another name; the first is let through, so that there is something to go back to.
            while (!process.HasExited && !(Directory.Exists(At("killed/checkpoint-2")) && Directory.EnumerateDirectories(At("killed"), "checkpoint-*.tmp").Any()))
                Thread.Yield();
            process.Kill();
            process.WaitForExit();
        }
        Assert.Equal(0, CommandLine.Vernier([.. Options("killed"), "--resume"]).ExitCode);
        AssertSameAsWhole("killed");
        Assert.Empty(Directory.EnumerateDirectories(At("killed"), "checkpoint-*.tmp"));
    }

    [FileLimitFact]
    public void ADiskThatFillsUpLeavesTheLastCheckpoint()
    {
        Assert.Equal(0, CommandLine.Vernier(Options("whole")).ExitCode);
        Assert.Equal(0, CommandLine.Vernier([.. Options("full"), "--stop-after", "3"]).ExitCode);
        var run = CommandLine.VernierWithFileLimit(kilobytes: 64, [.. Options("full"), "--resume"]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("the last good one is checkpoint-3", Assert.Single(run.Error.Split('\n'), line => line.StartsWith("vernier: ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Vernier([.. Options("full"), "--resume"]).ExitCode);
        AssertSameAsWhole("full");
    }

    [FileLimitFact]
    public void ADiskThatFillsUpLeavesNoHalfExport()
    {
        foreach (var format in (string[])["gguf", "hf"])
        {
            var refusal = CommandLine.VernierWithFileLimit(kilobytes: 16, "export", At("model.gguf"), "--to", format, "--out", At("out." + format)).Refusal();
            Assert.Contains(At("out." + format), refusal, StringComparison.Ordinal);
            Assert.False(File.Exists(At("out.gguf")));
            Assert.False(File.Exists(At("out.hf/model.safetensors")));
        }
    }

    private void AssertSameAsWhole(string run)
    {
        Assert.Equal(Losses("whole"), Losses(run));
        Assert.Equal(Steps, Losses(run).Length);
        Assert.Equal(File.ReadAllBytes(At("whole/adapter_model.safetensors")), File.ReadAllBytes(At($"{run}/adapter_model.safetensors")));
    }

    private string[] Losses(string run) =>
        [.. File.ReadLines(At($"{run}/log.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("loss").GetRawText())];

    /// <summary>Needs a shell that can limit the size of files.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class FileLimitFactAttribute : FactAttribute
    {
        public FileLimitFactAttribute() => Skip = File.Exists("/bin/bash") ? null : "/bin/bash is not on this system";
    }
}
