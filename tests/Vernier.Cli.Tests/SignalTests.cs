using System.Diagnostics;
using System.Globalization;

namespace Vernier.Cli.Tests;

/// <summary>What SIGINT and SIGTERM do to a verb that is at work.</summary>
public sealed class SignalTests : TemporaryFolder
{
    private const int Interrupted = 130, Terminated = 143;

    public SignalTests()
    {
        TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", string.Concat(Enumerable.Range(0, 200).Select(i => $"the quick fox {i} jumps over the lazy dog {i * 7 % 13}\n")));
    }

    private string[] Tune(string run, params string[] more) => TuneOn(At("text.txt"), run, more);

    private string[] TuneOn(string data, string run, params string[] more) =>
        ["tune", At("model.gguf"), "--data", data, "--context", "32", "--batch", "2", "--threads", "1", "--out", At(run), .. more];

    private string[] Endless(string verb) => verb switch
    {
        "tune" => Tune("run", "--steps", "1000000"),
        // one step is longer than the test waits: the signal comes within it
        "accumulate" => TuneOn(Long(), "run", "--steps", "1000000", "--accumulate", "65536"),
        "validate" => Tune("run", "--steps", "1000000", "--eval-data", Long()),
        "eval" => ["eval", At("model.gguf"), "--task", Long(), "--context", "32", "--threads", "1"],
        "score" => ["score", At("model.gguf"), "--file", Lines("ids.jsonl", i => $"{{\"ids\":[1,2,3,{4 + i % 200}]}}"), "--out", At("out.jsonl"), "--threads", "1"],
        "tokenize" => ["tokenize", At("model.gguf"), "--file", Lines("texts.jsonl", i => $"{{\"text\":\"the quick fox {i} jumps\"}}"), "--out", At("out.jsonl")],
        "demo" => ["demo", "--out", At("demo"), "--threads", "1"],
        _ => throw new ArgumentOutOfRangeException(nameof(verb)),
    };

    private string Long() => Lines("long.txt", i => $"the quick fox {i} jumps over the lazy dog {i * 7 % 13}");

    private string Lines(string name, Func<int, string> line) => Write(name, string.Concat(Enumerable.Range(0, 300_000).Select(i => line(i) + "\n")));

    [SignalTheory]
    [InlineData("tune", "INT", 0)]
    [InlineData("tune", "TERM", 400)]
    [InlineData("accumulate", "INT", 1500)]
    [InlineData("validate", "INT", 1500)]
    [InlineData("eval", "TERM", 1500)]
    [InlineData("eval", "INT", 300)]
    [InlineData("score", "INT", 1000)]
    [InlineData("tokenize", "TERM", 1000)]
    [InlineData("demo", "INT", 2000)]
    public void EndsAVerbWithItsCode(string verb, string signal, int delay)
    {
        using var process = Begin("--default-signal", Endless(verb));
        Listens(process);
        Thread.Sleep(delay);
        Send(process, signal);
        var (code, error) = End(process);
        Assert.True(code == (signal == "INT" ? Interrupted : Terminated), $"exit code {code}: {error}");
        AssertNoTrace(error);
        Assert.Empty(Directory.EnumerateFiles(At(""), "*.tmp", SearchOption.AllDirectories));
    }

    [SignalTheory]
    [InlineData("tune")]
    [InlineData("validate")]
    [InlineData("eval")]
    [InlineData("tokenize")]
    public void ASecondOneEndsAtOnceWithoutATrace(string verb)
    {
        using var process = Begin("--default-signal", Endless(verb));
        Listens(process);
        Thread.Sleep(700);
        Send(process, "INT");
        Send(process, "INT");
        var (code, error) = End(process);
        Assert.True(code == Interrupted, $"exit code {code}: {error}");
        AssertNoTrace(error);
    }

    [SignalTheory]
    [InlineData("INT", Interrupted)]
    [InlineData("TERM", Terminated)]
    public void ARunThatWasStoppedGoesOnWithTheSameBits(string signal, int expected)
    {
        Assert.Equal(0, CommandLine.Vernier(Tune("whole", "--steps", "300")).ExitCode);
        using (var process = Begin("--default-signal", Tune("parts", "--steps", "300")))
        {
            while (!process.HasExited && !(File.Exists(At("parts/log.jsonl")) && new FileInfo(At("parts/log.jsonl")).Length > 0))
                Thread.Sleep(1);
            Send(process, signal);
            var (code, error) = End(process);
            Assert.True(code == expected, $"exit code {code}: {error}");
            Assert.Contains("--resume", error, StringComparison.Ordinal);
        }
        Assert.Equal(0, CommandLine.Vernier(Tune("parts", "--steps", "300", "--resume")).ExitCode);
        Assert.Equal(File.ReadAllBytes(At("whole/adapter_model.safetensors")), File.ReadAllBytes(At("parts/adapter_model.safetensors")));
        Assert.Equal(300, File.ReadLines(At("parts/log.jsonl")).Count());
    }

    /// <summary>nohup, and the background jobs of shells without job control.</summary>
    [SignalFact]
    public void ASignalThatTheProcessWasStartedToIgnoreStaysIgnored()
    {
        using var process = Begin("--ignore-signal", Tune("run", "--steps", "40"));
        Listens(process);
        for (var i = 0; i < 5; i++)
            Send(process, "INT");
        var (code, error) = End(process);
        Assert.True(code == 0, $"exit code {code}: {error}");
    }

    /// <summary>Its own handlers are in place: before that, the system ends it, which shells report with the same codes.</summary>
    private static void Listens(Process process)
    {
        var status = $"/proc/{process.Id.ToString(CultureInfo.InvariantCulture)}/status";
        const ulong Int = 1 << (2 - 1);
        while (!process.HasExited)
        {
            var lines = File.ReadAllLines(status);
            ulong Set(string name) => ulong.Parse(lines.First(l => l.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if ((Set("SigCgt:") & Int) != 0 || ((Set("SigIgn:") & Int) != 0 && lines.Any(l => l.StartsWith("Name:\tdotnet", StringComparison.Ordinal))))
                return;
            Thread.Sleep(5);
        }
    }

    private static Process Begin(string disposition, string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/env", [$"{disposition}=INT", "dotnet", CommandLine.Program, .. arguments]);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        return Process.Start(start)!;
    }

    private static void Send(Process process, string signal)
    {
        if (process.HasExited)
            return;
        using var kill = Process.Start(new ProcessStartInfo("/bin/kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardError = true })!;
        kill.WaitForExit();
    }

    private static (int Code, string Error) End(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(120)))
        {
            process.Kill();
            Assert.Fail("the process did not end");
        }
        process.WaitForExit();
        return (process.ExitCode, output.Result + error.Result);
    }

    private static void AssertNoTrace(string error)
    {
        Assert.DoesNotContain("Unhandled exception", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static string? Missing => OperatingSystem.IsLinux() && File.Exists("/usr/bin/env") && File.Exists("/bin/kill") ? null : "signals are sent and looked at as Linux does it";

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SignalFactAttribute : FactAttribute
    {
        public SignalFactAttribute() => Skip = Missing;
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SignalTheoryAttribute : TheoryAttribute
    {
        public SignalTheoryAttribute() => Skip = Missing;
    }
}
