using System.CommandLine;
using Vernier.Cli.Help;
using Vernier.Cli.Verbs;

namespace Vernier.Cli.Tests;

/// <summary>Help, versions and wrong usage.</summary>
public sealed class UsageTests
{
    [Fact]
    public void HelpListsEveryVerb()
    {
        var run = CommandLine.Vernier("--help");
        Assert.Equal(0, run.ExitCode);
        Assert.All(VerbList.All, verb => Assert.Contains($"  {verb.Name} ", run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public void TheVersionIsOneLineThatPackagesCanHave()
    {
        var run = CommandLine.Vernier("--version");
        Assert.Equal(0, run.ExitCode);
        // X.Y.Z, of commits after a tag with -alpha.0.N, and with the commit where the checkout knows it
        Assert.Matches(@"^\d+\.\d+\.\d+(-[a-z]+(\.\d+)+)?(\+[0-9a-f]{40})?\s*$", run.Output);
        Assert.DoesNotContain("0.0.0", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryVerbBearsItsNameAndTakesTheCommonOptions() => Assert.All(VerbList.All, verb =>
    {
        var command = verb.Create();
        Assert.Equal(verb.Name, command.Name);
        Assert.False(string.IsNullOrWhiteSpace(command.Description));
        Assert.All(["--json", "--threads", "--seed"], name => Assert.Contains(command.Options, o => o.Name == name));
        Assert.All(command.Options, o => Assert.False(string.IsNullOrWhiteSpace(o.Description), o.Name));
    });

    [Theory]
    [InlineData("--help")]
    [InlineData("tune --help", "tune")]
    [InlineData("adapter diff --help", "adapter", "diff")]
    public void HelpIsAVerbToo(string same, params string[] about) =>
        Assert.Equal(CommandLine.Vernier(same.Split(' ')), CommandLine.Vernier(["help", .. about]));

    [Theory]
    [InlineData("inspect")]
    [InlineData("frobnicate")]
    [InlineData("eval", "model.gguf")]
    [InlineData("tune", "model.gguf", "--lr", "fast", "--data", "d", "--out", "o")]
    [InlineData("tune", "model.gguf", "--granularity", "row", "--data", "d", "--out", "o")]
    [InlineData("generate", "model.gguf", "--prompt", "a", "--prompt-ids", "1")]
    [InlineData("export", "model.gguf", "--to", "onnx", "--out", "o")]
    [InlineData("export", "model.gguf", "--to", "gguf")]
    [InlineData("inspect", "a", "b")]
    [InlineData("adapter")]
    [InlineData("tune", "model.gguf", "--lr")]
    [InlineData("tune", "model.gguf", "--lr", "1", "--lr", "2", "--data", "d", "--out", "o")]
    [InlineData("plan", "--shape", "llama-6b")]
    [InlineData("completion", "fish")]
    public void WrongUsageExitsWithTwo(params string[] arguments) => CommandLine.Vernier(arguments).Refusal(2);

    [Theory]
    [InlineData("did you mean 'tune'?", "tun")]
    [InlineData("did you mean 'diff'?", "adapter", "dif", "a", "b")]
    [InlineData("unknown option '--bach'; did you mean '--batch'?", "tune", "--bach", "3")]
    [InlineData("unknown option '--bach'; did you mean '--batch'?", "tune", "model.gguf", "--bach=3", "--data", "d", "--out", "o")]
    [InlineData("unknown option '--tensor'; did you mean '--tensors'?", "inspect", "--tensor", "model.gguf")]
    [InlineData("did you mean 'hellaswag'?", "eval", "model.gguf", "--task", "helaswag")]
    [InlineData("did you mean 'qlora'?", "tune", "model.gguf", "--method", "qlor", "--data", "d", "--out", "o")]
    [InlineData("did you mean 'gguf'?", "export", "model.gguf", "--to", "ggfu", "--out", "o")]
    [InlineData("did you mean 'int8'?", "eval", "model.gguf", "--compute", "int9", "--task", "piqa")]
    [InlineData("did you mean 'smollm2-135m'?", "plan", "--shape", "smolm2-135m")]
    [InlineData("needs MODEL", "inspect")]
    [InlineData("needs --out", "quantize", "model.gguf")]
    [InlineData("vernier: score needs --file IN.jsonl and --out OUT.jsonl", "score", "model.gguf")]
    [InlineData("--out is empty, expected a path", "tune", "model.gguf", "--data", "d", "--out", "")]
    [InlineData("--out is empty, expected a path", "export", "model.gguf", "--to", "gguf", "--out", "")]
    [InlineData("--data is empty, expected a path", "tune", "model.gguf", "--data", " ", "--out", "o")]
    [InlineData("--adapter is empty, expected a path", "generate", "model.gguf", "--prompt", "a", "--adapter", "")]
    [InlineData("MODEL is empty, expected a path", "inspect", "")]
    [InlineData("B is empty, expected a path", "verify", "a.gguf", "")]
    [InlineData("unknown verb 'tun'; did you mean 'tune'?", "help", "tun")]
    [InlineData("unknown verb 'tun'; did you mean 'tune'?", "tun", "--help")]
    [InlineData("did you mean 'diff'?", "adapter", "dif", "--help")]
    public void AMistakeIsNamedAndTheNearestNameSuggested(string expected, params string[] arguments) =>
        Assert.Contains(expected, CommandLine.Vernier(arguments).Refusal(2), StringComparison.Ordinal);

    [Fact]
    public void WithoutAVerbHelpIsShown()
    {
        var run = CommandLine.Vernier();
        Assert.Equal((0, CommandLine.Vernier("--help").Output, ""), (run.ExitCode, run.Output, run.Error));
    }

    public static TheoryData<string, int> Pages => Matrix(
        [.. VerbList.All.SelectMany(v => v.Create() is { Subcommands.Count: > 0 } parts ? parts.Subcommands.Select(p => $"{v.Name} {p.Name}") : [v.Name])], [40, 80, 120]);

    private static TheoryData<string, int> Matrix(string[] words, int[] widths)
    {
        var data = new TheoryData<string, int>();
        foreach (var word in words)
            foreach (var width in widths)
                data.Add(word, width);
        return data;
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void HelpFitsItsWidthHasAnExampleAndLeavesNoOptionOut(string words, int width)
    {
        Command command = CommandTree.Create();
        foreach (var word in words.Split(' '))
            command = command.Subcommands.Single(c => c.Name == word);
        var lines = HelpPage.Text(command, width).Split('\n');
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Assert.Contains(lines, line => line.StartsWith("Example: vernier " + words, StringComparison.Ordinal) || line.StartsWith("Example: source <(vernier " + words, StringComparison.Ordinal)
            || width == 40 && line.StartsWith("Example: ", StringComparison.Ordinal));
        Assert.All(command.Options.Select(o => o.Name).Append("--json").Append("--help"), name => Assert.Contains(lines, line => line.TrimStart().Split(' ')[0] == name));
    }

    [Fact]
    public void TheTenOptionsOfTuneThatMatterComeFirst()
    {
        var page = CommandLine.Vernier("tune", "--help").Output;
        var first = page[page.IndexOf("Options that matter most:", StringComparison.Ordinal)..page.IndexOf("The run:", StringComparison.Ordinal)];
        Assert.Equal(["--data", "--out", "--eval-data", "--method", "--granularity", "--lr", "--epochs", "--steps", "--context", "--batch"],
            first.Split('\n').Where(l => l.StartsWith("  --", StringComparison.Ordinal)).Select(l => l.Trim().Split(' ')[0]));
    }
}
