using System.Text.Json;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>The whole way through on a tiny model: inspect, tune, resume, evaluate, generate, export, verify.</summary>
public sealed class PipelineTests : TemporaryFolder
{
    private const string Models = "goldens/formats/gguf_models";

    private static string FirstTunable => SharedFiles.Match(Models, "*.gguf").First(Quantized);

    public static TheoryData<string> Tunable => [.. SharedFiles.Match(Models, "*.gguf").Where(Quantized).Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(Tunable))]
    public void TunedOnItsOwnCodesAndExported(string name)
    {
        var model = SharedFiles.At(name);
        var hash = CommandLine.Vernier("inspect", model, "--json", "-").Json().GetProperty("codes_sha256").GetString();
        var tune = CommandLine.Vernier("tune", model, "--data", Rows(), "--eval-data", Rows(), "--out", At("run"), "--granularity", "group", "--lr", "1e-2",
            "--steps", "6", "--batch", "2", "--no-shuffle", "--threads", "1", "--json", "-").Json();
        Assert.True(tune.GetProperty("codes_equal").GetBoolean());
        Assert.True(tune.GetProperty("final_eval").GetDouble() < tune.GetProperty("initial_eval").GetDouble());
        Assert.Equal(6, File.ReadLines(At("run/log.jsonl")).Count(l => l.Contains("\"grad_norm\"", StringComparison.Ordinal)));
        Assert.All(["config.yaml", "loss.svg", "README.md", "adapter_config.json", "adapter_model.safetensors"], file => Assert.True(File.Exists(At("run/" + file)), file));

        var export = CommandLine.Vernier("export", model, "--adapter", At("run"), "--to", "gguf", "--out", At("tuned.gguf"), "--json", "-").Json();
        Assert.Equal("gguf", export.GetProperty("format").GetString());
        var verify = CommandLine.Vernier("verify", model, At("tuned.gguf"), "--json", "-").Json();
        Assert.True(verify.GetProperty("codes_equal").GetBoolean());
        Assert.True(verify.GetProperty("scales_changed").GetInt64() > 0);
        Assert.Equal(hash, CommandLine.Vernier("inspect", At("tuned.gguf"), "--json", "-").Json().GetProperty("codes_sha256").GetString());

        // the exported file computes what the adapter computes, up to the rounding of scales to fp16
        var scored = Score(model, "--adapter", At("run"));
        var exported = Score(At("tuned.gguf"));
        Assert.All(scored.Zip(exported), AssertClose);

        CommandLine.Vernier("export", model, "--adapter", At("run"), "--to", "hf", "--out", At("folder"), "--json", "-").Json();
        Assert.All(scored.Zip(Score(At("folder"))), AssertClose);
    }

    [Theory]
    [MemberData(nameof(Tunable))]
    public void RequantizedTunedAndExported(string name)
    {
        var model = SharedFiles.At(name);
        CommandLine.Vernier("tune", model, "--data", Rows(), "--out", At("run"), "--bits", "3", "--group", "32", "--steps", "3", "--threads", "1", "--json", "-").Json();
        CommandLine.Vernier("export", model, "--adapter", At("run"), "--to", "gguf", "--out", At("tuned.gguf"), "--json", "-").Json();
        Assert.All(Score(model, "--adapter", At("run")).Zip(Score(At("tuned.gguf"))), AssertClose);
        var differ = CommandLine.Vernier("verify", model, At("tuned.gguf"));
        Assert.Equal(1, differ.ExitCode);
        Assert.Contains("NOT equal", differ.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void ALowRankTaskIsATaskLikeAnyOther()
    {
        var model = FirstTunable;
        string[] options = ["--data", Rows(), "--granularity", "low-rank", "--rank", "2", "--steps", "4", "--batch", "2", "--threads", "1"];
        CommandLine.Vernier(["tune", model, "--out", At("a"), .. options]);
        CommandLine.Vernier(["tune", model, "--out", At("b"), "--lr", "2e-3", .. options]);
        CommandLine.Vernier("adapter", "interpolate", At("a"), At("b"), "--weight", "0.5", "--out", At("half"));
        var info = CommandLine.Vernier("adapter", "info", At("half"), "--json", "-").Json();
        Assert.Equal("low-rank", info.GetProperty("options").GetProperty("granularity").GetString());
        Assert.Equal("4", info.GetProperty("options").GetProperty("rank").GetString());
        Assert.Equal(1, CommandLine.Vernier("adapter", "diff", At("a"), At("b")).ExitCode);

        CommandLine.Vernier("export", model, "--adapter", At("half"), "--to", "gguf", "--out", At("tuned.gguf"));
        Assert.True(CommandLine.Vernier("verify", model, At("tuned.gguf"), "--json", "-").Json().GetProperty("codes_equal").GetBoolean());
        Assert.All(Score(model, "--adapter", At("half")).Zip(Score(At("tuned.gguf"))), AssertClose);
        string[] prompt = ["--prompt-ids", "3,4,5,6", "--max-tokens", "4", "--json", "-"];
        Assert.Equal(JsonValueKind.String, CommandLine.Vernier(["generate", model, "--adapter", At("half"), .. prompt]).Json().GetProperty("text").ValueKind);
        Assert.Contains("SHA-256", CommandLine.Vernier("score", SharedFiles.Match(Models, "*.gguf").Last(Quantized), "--file", Rows(), "--out", At("x.jsonl"), "--adapter", At("a")).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void AResumedRunHasTheLossesOfAnUninterruptedOne()
    {
        var model = FirstTunable;
        string[] options = ["--data", Rows(), "--steps", "6", "--batch", "2", "--threads", "1", "--checkpoint-every", "2"];
        CommandLine.Vernier(["tune", model, "--out", At("whole"), .. options]);
        CommandLine.Vernier(["tune", model, "--out", At("parts"), "--stop-after", "3", .. options]);
        CommandLine.Vernier(["tune", model, "--out", At("parts"), "--resume", .. options]);
        Assert.Equal(Losses("whole"), Losses("parts"));
        Assert.Equal(6, Losses("whole").Length);
    }

    [Fact]
    public void GenerationGivesTextAndIds()
    {
        var model = FirstTunable;
        var run = CommandLine.Vernier("generate", model, "--prompt-ids", "1,2,3", "--max-tokens", "5", "--compute", "fp32", "--json", "-").Json();
        Assert.InRange(run.GetProperty("ids").GetArrayLength(), 1, 5);
        Assert.Equal(JsonValueKind.String, run.GetProperty("text").ValueKind);
    }

    /// <summary>fp16 scales are off by at most 2^-11 of their value, and random models are sensitive: a thousandth of the sum leaves room for both.</summary>
    private static void AssertClose((double Expected, double Actual) pair) => Assert.Equal(pair.Expected, pair.Actual, 1e-3 * Math.Abs(pair.Expected));

    private double[] Score(string model, params string[] more)
    {
        var output = At("scores.jsonl");
        var run = CommandLine.Vernier(["score", model, "--file", Rows(), "--out", output, .. more]);
        Assert.True(run.ExitCode == 0, run.Error);
        return [.. File.ReadLines(output).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("sum").GetDouble())];
    }

    private string[] Losses(string run) =>
        [.. File.ReadLines(At($"{run}/log.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("grad_norm", out _)).Select(l => l.GetProperty("loss").GetRawText())];

    /// <summary>Eight sequences that repeat a pattern: ids for score, input_ids for tune.</summary>
    private string Rows() => Write("rows.jsonl", string.Join('\n', Enumerable.Range(0, 8).Select(row =>
    {
        var ids = string.Join(',', Enumerable.Range(0, 24).Select(i => 3 + (i * (row % 3 + 1)) % 40));
        return $$"""{"ids":[{{ids}}],"input_ids":[{{ids}}]}""";
    })));

    private static bool Quantized(string path) => path.Contains("q4", StringComparison.OrdinalIgnoreCase) || path.Contains("legacy", StringComparison.OrdinalIgnoreCase);
}
