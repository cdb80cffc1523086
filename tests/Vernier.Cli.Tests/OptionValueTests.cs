using System.CommandLine;
using System.Reflection;
using Vernier.Cli.Verbs;
using Vernier.Options;
using Vernier.Tuning;

namespace Vernier.Cli.Tests;

/// <summary>Every numeric option of every verb, with values that no option should be given.</summary>
public sealed class OptionValueTests : TemporaryFolder
{
    private static readonly string[] NoNumbers = ["NaN", "abc", "", "-inf", "0x10", "1,5"];
    private static readonly string[] Numbers = ["-1", "0", "1e308", "2147483647", "99999999999", "1e-400"];
    private static readonly string[] RuntimeTalk = ["Parameter '", "Actual value", "Exception", "System.", "Int32", "Single", "overflow", "   at "];

    [Fact]
    public async Task EveryValueIsTakenOrRefusedInWords()
    {
        var seen = 0;
        foreach (var (words, command) in Commands())
            foreach (var option in command.Options.Concat(command.Parents.OfType<Command>().SelectMany(p => p.Options)).Where(o => o.HelpName is "N" or "X" or "SIZE" || words is ["sweep"] && IsNumber(o.Name)))
            {
                foreach (var value in NoNumbers.Where(v => words is not ["sweep"] || !v.Contains(',', StringComparison.Ordinal))) // a sweep takes lists
                {
                    var (exit, line) = await Run(words, command, option, value);
                    Assert.True(exit == 2 && line.Contains(option.Name, StringComparison.Ordinal), $"{string.Join(' ', words)} {option.Name} '{value}': {exit}, {line}");
                }
                foreach (var value in Numbers)
                    await Run(words, command, option, value);
                seen++;
            }
        Assert.InRange(seen, 80, int.MaxValue);
    }

    [Theory]
    [InlineData("--scale-lr", "-1", "--scale-lr is -1, expected not negative")]
    [InlineData("--clip", "-1", "--clip is -1, expected not negative")]
    [InlineData("--alpha", "0", "--alpha is 0, expected more than 0")]
    [InlineData("--dropout", "1", "--dropout is 1, expected 0 to below 1")]
    [InlineData("--accumulate", "2147483647", "--accumulate is 2147483647, expected 1 to 65536")]
    [InlineData("--threads", "1000000", "--threads is 1000000, expected 0 to 1024")]
    public async Task ARefusalNamesTheOptionTheValueAndTheRange(string name, string value, string message)
    {
        var (words, command) = Commands().First(c => c.Words is ["tune"]);
        var (exit, line) = await Run(words, command, command.Options.First(o => o.Name == name), value);
        Assert.Equal((2, "vernier: " + message), (exit, line));
    }

    /// <summary>A value of a run file is held against the same range; a wrong one is wrong usage.</summary>
    [Theory]
    [InlineData("lr: -1", "run.yaml: line 1: lr is -1, expected not negative")]
    [InlineData("max-tokens: 0", "unknown option max-tokens")]
    [InlineData("method: lore", "did you mean 'lora'?")]
    public async Task ARunFileToo(string yaml, string message)
    {
        var error = new StringWriter();
        Assert.Equal(2, await ErrorReport.RunAsync(Root(), ["tune", At("none.gguf"), "--data", "d", "--out", At("o"), "--config", Write("run.yaml", yaml)], error));
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("o")));
    }

    private static bool IsNumber(string option) =>
        typeof(TuneOptions).GetProperties().Any(p => p.GetCustomAttribute<OptionAttribute>() is { Range: not null } about && "--" + about.Name == option);

    private async Task<(int Exit, string Line)> Run(string[] words, Command command, Option option, string value)
    {
        // The option under test comes once: its usual value, if any, stays away.
        var others = Needed(words).Where(o => o.Name != option.Name).SelectMany(o => (string[])[o.Name, o.Value]);
        string[] arguments = [.. words, .. command.Arguments.Where(a => a.Name != "RUN").Select(a => At("none-" + a.Name)), .. others, option.Name, value];
        var root = CommandTree.Create(words[0]);
        if (words is ["demo"] && root.Parse(arguments).Errors.Count == 0)
            return (0, ""); // needs no file, so it would run
        var error = new StringWriter();
        var exit = await ErrorReport.RunAsync(root, arguments, error);
        var said = $"{string.Join(' ', arguments)}: {exit}: {error}";
        Assert.True(exit is 1 or 2, said);
        var line = Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("vernier: ", line, StringComparison.Ordinal);
        Assert.True(!RuntimeTalk.Any(talk => line.Contains(talk, StringComparison.Ordinal)), said);
        Assert.True(exit == 2 || line.Contains("no such file or folder", StringComparison.Ordinal), said);
        return (exit, line);
    }

    /// <summary>What a verb cannot do without, or asks for before it opens anything.</summary>
    private IEnumerable<(string Name, string Value)> Needed(string[] words) => words[^1] switch
    {
        "tune" => [("--data", At("none.txt")), ("--out", At("out"))],
        "quantize" => [("--out", At("out"))],
        "sweep" => [("--data", At("none.txt")), ("--out", At("out"))],
        "eval" => [("--task", Write("text.txt", "words"))],
        "score" or "tokenize" => [("--file", At("none.jsonl")), ("--out", At("out"))],
        "generate" => [("--prompt", "a")],
        "export" => [("--to", "gguf"), ("--out", At("out"))],
        "interpolate" => [("--weight", "0.5"), ("--out", At("out"))],
        _ => [],
    };

    private static RootCommand Root() => CommandTree.Create();

    private static IEnumerable<(string[] Words, Command Command)> Commands() =>
        Root().Subcommands.Where(verb => verb.Name != "completion").SelectMany(verb => verb.Subcommands.Count == 0
            ? [((string[])[verb.Name], verb)]
            : verb.Subcommands.Select(part => ((string[])[verb.Name, part.Name], part)));
}
