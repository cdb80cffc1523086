using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>What each method's export holds, and the verbs about adapters alone.</summary>
public sealed class MergeTests : TemporaryFolder
{
    private const string Models = "goldens/formats/gguf_models";

    private static string Model => SharedFiles.Match(Models, "*.gguf").First(p => p.Contains("q4", StringComparison.OrdinalIgnoreCase));

    [Theory]
    [InlineData("l4q")]
    [InlineData("qa-lora")]
    [InlineData("qat")]
    public void IntegerMethodsLeaveIntegersAlone(string method)
    {
        Tune("run", method, "--bits", "4", "--group", "32");
        var export = CommandLine.Vernier("export", Model, "--adapter", At("run"), "--to", "native", "--out", At("native"), "--json", "-").Json();
        Assert.Contains(export.GetProperty("tensor_formats").EnumerateArray(), f => f.GetString() == "U4/32");
        var inspected = CommandLine.Vernier("inspect", At("native"), "--tensors", "--json", "-").Json().GetProperty("tensors").EnumerateArray();
        Assert.All(inspected.Where(t => t.GetProperty("name").GetString()!.Contains("_proj", StringComparison.Ordinal)), t => Assert.Equal("U4/32", t.GetProperty("format").GetString()));
        CommandLine.Vernier("export", Model, "--adapter", At("run"), "--to", "gguf", "--out", At("tuned.gguf"), "--json", "-").Json();
        Assert.True(CommandLine.Vernier("verify", At("native"), At("tuned.gguf"), "--json", "-").Json().GetProperty("codes_equal").GetBoolean());
    }

    [Theory]
    [InlineData("qlora")]
    [InlineData("qat-lora")]
    public void PathsBesideCodesAreMergedOnRequestOnly(string method)
    {
        Tune("run", method, "--bits", "4", "--group", "32", "--targets", "all");
        string[] export = ["export", Model, "--adapter", At("run"), "--to", "native", "--out", At("native")];
        Assert.Contains("--merge-lossy", CommandLine.Vernier(export).Refusal(), StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("native")));
        Assert.Contains("--eval-data", CommandLine.Vernier([.. export, "--merge-lossy"]).Refusal(2), StringComparison.Ordinal);
        var text = Write("text.txt", string.Concat(Enumerable.Repeat("Hello world, this is a text of some words. ", 30)));
        var result = CommandLine.Vernier([.. export, "--merge-lossy", "--eval-data", text, "--windows", "2", "--json", "-"]).Json();
        Assert.True(result.GetProperty("perplexity_before").GetDouble() > 1 && result.GetProperty("perplexity_after").GetDouble() > 1);
        Assert.NotNull(CommandLine.Vernier("inspect", At("native"), "--json", "-").Json().GetProperty("codes_sha256").GetString());
        CommandLine.Vernier("export", Model, "--adapter", At("run"), "--to", "hf", "--out", At("folder"), "--json", "-").Json();
    }

    [Fact]
    public void AdaptersAreShownComparedAndInterpolated()
    {
        Tune("a", "peqa");
        Tune("b", "peqa", "--lr", "0.03");
        var info = CommandLine.Vernier("adapter", "info", At("a"), "--json", "-").Json();
        Assert.Equal("peqa", info.GetProperty("method").GetString());
        Assert.True(info.GetProperty("parameters").GetInt64() > 0);
        Assert.Equal(64, info.GetProperty("tuned_codes_sha256").GetString()!.Length);
        Assert.Equal(0, CommandLine.Vernier("adapter", "diff", At("a"), At("a")).ExitCode);
        Assert.Equal(1, CommandLine.Vernier("adapter", "diff", At("a"), At("b")).ExitCode);
        CommandLine.Vernier("adapter", "interpolate", At("a"), At("b"), "--weight", "0.5", "--out", At("c"), "--json", "-").Json();
        CommandLine.Vernier("export", Model, "--adapter", At("c"), "--to", "gguf", "--out", At("c.gguf"), "--json", "-").Json();
        Assert.True(CommandLine.Vernier("verify", Model, At("c.gguf"), "--json", "-").Json().GetProperty("codes_equal").GetBoolean());
        Assert.Equal(2, CommandLine.Vernier("adapter", "interpolate", At("a"), At("b"), "--out", At("c")).ExitCode);
    }

    private void Tune(string run, string method, params string[] more)
    {
        var rows = Write("rows.jsonl", string.Join('\n', Enumerable.Range(0, 4).Select(row => $$"""{"input_ids":[{{string.Join(',', Enumerable.Range(0, 24).Select(i => 3 + i * (row + 1) % 20))}}]}""")));
        CommandLine.Vernier(["tune", Model, "--method", method, "--data", rows, "--steps", "2", "--threads", "1", "--out", At(run), "--json", "-", .. more]).Json();
    }
}
