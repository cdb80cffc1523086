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
    public void EveryVerbBearsItsNameAndTakesTheCommonOptions() => Assert.All(VerbList.All, verb =>
    {
        var command = verb.Create();
        Assert.Equal(verb.Name, command.Name);
        Assert.False(string.IsNullOrWhiteSpace(command.Description));
        Assert.All(["--json", "--threads", "--seed"], name => Assert.Contains(command.Options, o => o.Name == name));
        Assert.All(command.Options, o => Assert.False(string.IsNullOrWhiteSpace(o.Description), o.Name));
    });

    [Theory]
    [InlineData("inspect")]
    [InlineData("frobnicate")]
    [InlineData("eval", "model.gguf")]
    [InlineData("tune", "model.gguf", "--lr", "fast", "--data", "d", "--out", "o")]
    [InlineData("tune", "model.gguf", "--granularity", "row", "--data", "d", "--out", "o")]
    [InlineData("generate", "model.gguf", "--prompt", "a", "--prompt-ids", "1")]
    [InlineData("export", "model.gguf", "--to", "onnx", "--out", "o")]
    public void WrongUsageExitsWithTwo(params string[] arguments)
    {
        var run = CommandLine.Vernier(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("vernier: ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }
}
