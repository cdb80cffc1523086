using System.Text.RegularExpressions;

namespace Vernier.Cli.Tests.Terminal;

/// <summary>Every verb with progress at a real terminal: what a person sees when it has ended, at every width and setting.</summary>
public sealed class TerminalProgressTests : TemporaryFolder
{
    private const int Steps = 3;

    private static readonly (string, string)[] Plain = [];

    public static TheoryData<string, int, string> Verbs
    {
        get
        {
            var data = new TheoryData<string, int, string>();
            foreach (var verb in (string[])["eval", "quantize", "export", "score", "generate", "verify", "inspect"])
            {
                foreach (var width in (int[])[20, 40, 80, 200])
                    data.Add(verb, width, "");
                data.Add(verb, 80, "NO_COLOR");
                data.Add(verb, 80, "TERM");
            }
            return data;
        }
    }

    public TerminalProgressTests()
    {
        TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", string.Concat(Enumerable.Range(0, 60).Select(i => $"the quick fox {i} jumps over the lazy dog {i * 7 % 13}\n")));
    }

    /// <summary>Progress leaves nothing behind: the screen at the end is what a file would have got.</summary>
    [TerminalTheory]
    [MemberData(nameof(Verbs))]
    public void TheResultAloneStays(string verb, int width, string setting)
    {
        if (verb == "export")
            Assert.Equal(0, CommandLine.Vernier("tune", At("model.gguf"), "--data", At("text.txt"), "--method", "qlora", "--steps", "1", "--context", "32", "--threads", "1", "--out", At("run")).ExitCode);
        var file = CommandLine.Vernier(Arguments(verb, "file"));
        Assert.True(file.ExitCode == 0, file.Error);
        using var terminal = new PseudoTerminal(width, Settings(setting), "", Arguments(verb, "term"));
        Assert.Equal(0, terminal.Finish());
        AssertSetting(terminal.Output, setting);
        // Where a line may be written again, work with a count shows at least its beginning.
        if (setting != "TERM")
            Assert.Matches(verb switch { "eval" => @" text\.txt \d+/\d+|\rtext\.txt \d+/\d+", "quantize" => "quantize \\d+/\\d+", "export" => "perplexity \\d+/\\d+", "score" => "scoring  \\d+ rows", _ => "" }, terminal.Output);
        // A file gets both streams in turns that are its own: the lines count, not their order.
        Assert.Equal(Lines(file.Error + file.Output), Lines(terminal.Screen.Text));
    }

    [TerminalTheory]
    [InlineData(20, "", "")]
    [InlineData(40, "", "")]
    [InlineData(80, "", "")]
    [InlineData(200, "", "")]
    [InlineData(80, "NO_COLOR", "")]
    [InlineData(80, "TERM", "")]
    [InlineData(20, "", ">/dev/null")]
    [InlineData(40, "", ">/dev/null")]
    public void TuningEndsWithItsLastStep(int width, string setting, string redirection)
    {
        using var terminal = new PseudoTerminal(width, Settings(setting), redirection, Tune("run"));
        Assert.Equal(0, terminal.Finish());
        AssertSetting(terminal.Output, setting);
        var screen = terminal.Screen;
        Assert.Single(screen.Rows, row => row.Contains($"step {Steps}/{Steps}", StringComparison.Ordinal));
        Assert.DoesNotContain(screen.Rows, row => row.Contains("measuring", StringComparison.Ordinal));
        if (setting != "TERM")
            Assert.DoesNotContain(screen.Rows, row => row.Contains($"step 1/{Steps}", StringComparison.Ordinal));
        foreach (var about in (string[])["model  ", "data   ", "check  ", "method ", "plan   ", "then   ", "time   ", "memory "])
            Assert.Single(screen.Text.Split('\n'), line => line.StartsWith(about, StringComparison.Ordinal));
        Assert.Equal(redirection.Length == 0, screen.Text.Contains("adapter in ", StringComparison.Ordinal));
    }

    [TerminalTheory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    [InlineData("2>/dev/null")]
    public void TuningWithoutStandardError(string redirection)
    {
        using var terminal = new PseudoTerminal(40, Plain, redirection, Tune("run"));
        Assert.Equal(0, terminal.Finish());
        Assert.StartsWith($"step {Steps} of {Steps}: loss ", terminal.Screen.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutATerminalThereAreLines()
    {
        var run = CommandLine.Vernier(Tune("run"));
        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain(run.Error + run.Output, c => c is '\e' or '\r');
        Assert.Contains(run.Error.Split('\n'), line => line.StartsWith($"step {Steps}/{Steps}  loss ", StringComparison.Ordinal));
    }

    /// <summary>A model that writes escape sequences: a terminal shows them, a file gets them.</summary>
    [TerminalFact]
    public void AModelCannotSteerTheTerminal()
    {
        // A random model of bytes writes control characters sooner or later; the screen fails on each that comes through.
        string[] arguments = ["generate", At("model.gguf"), "--prompt", "the", "--max-tokens", "60", "--temperature", "5", "--threads", "1"];
        var file = CommandLine.Vernier(arguments);
        Assert.Contains(file.Output, c => char.IsControl(c) && c is not ('\n' or '\t'));
        using var terminal = new PseudoTerminal(200, Plain, "", arguments);
        Assert.Equal(0, terminal.Finish());
        Assert.Contains("\\x", terminal.Screen.Text, StringComparison.Ordinal);
    }

    [TerminalFact]
    public void TheDemoAtANarrowTerminal()
    {
        using var terminal = new PseudoTerminal(40, [("NO_COLOR", "1")], "", "demo", "--out", At("demo"));
        Assert.Equal(0, terminal.Finish());
        AssertSetting(terminal.Output, "NO_COLOR");
        Assert.Contains("\n  backwards: ", terminal.Screen.Text, StringComparison.Ordinal);
    }

    private string[] Tune(string run) =>
        ["tune", At("model.gguf"), "--data", At("text.txt"), "--eval-data", At("text.txt"), "--steps", $"{Steps}", "--context", "32", "--threads", "1", "--out", At(run)];

    private string[] Arguments(string verb, string output) => verb switch
    {
        "eval" => ["eval", At("model.gguf"), "--task", At("text.txt"), "--context", "32", "--threads", "1"],
        "quantize" => ["quantize", At("model.gguf"), "--bits", "4", "--group", "32", "--out", At(output + ".gguf"), "--threads", "1"],
        "export" => ["export", At("model.gguf"), "--adapter", At("run"), "--to", "gguf", "--merge-lossy", "--eval-data", At("text.txt"), "--out", At(output + ".gguf"), "--threads", "1"],
        "generate" => ["generate", At("model.gguf"), "--prompt", "the quick", "--max-tokens", "5", "--threads", "1"],
        "score" => ["score", At("model.gguf"), "--file", Write("rows.jsonl", string.Concat(Enumerable.Repeat("{\"prompt\":\"the quick\",\"continuation\":\" fox\"}\n", 5))), "--out", At(output + ".jsonl"), "--threads", "1"],
        "verify" => ["verify", At("model.gguf"), At("model.gguf"), "--threads", "1"],
        _ => [verb, At("model.gguf")],
    };

    private static (string, string)[] Settings(string setting) => setting switch
    {
        "NO_COLOR" => [("NO_COLOR", "1")],
        "TERM" => [("TERM", "dumb")],
        _ => Plain,
    };

    private static void AssertSetting(string output, string setting)
    {
        if (setting == "NO_COLOR")
            Assert.DoesNotMatch(@"\e\[[0-9;]*m", output);
        if (setting == "TERM")
            Assert.DoesNotMatch(@"\e|\r(?!\n)", output);
    }

    /// <summary>Without what differs between two runs: times, and names of files.</summary>
    private static List<string> Lines(string text) =>
        [.. Regex.Replace(text, @"\d+\.\d s\b|(file|term)\.gguf", "").ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.TrimEnd()).Order(StringComparer.Ordinal)];
}
