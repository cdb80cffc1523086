using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>quantize, and every verb that reads what it wrote.</summary>
public sealed class QuantizeTests : TemporaryFolder
{
    private const string Model = "goldens/models/llama-gqa";
    private const string Gguf = "goldens/formats/gguf_models";

    [Fact]
    public void ANativeFolderIsAModelToEveryVerb()
    {
        var source = SharedFiles.At(Model);
        var result = CommandLine.Vernier("quantize", source, "--bits", "3", "--group", "16", "--scheme", "mse", "--override", "down_proj=8", "--out", At("packed"), "--json", "-").Json();
        Assert.Equal("native", result.GetProperty("format").GetString());
        Assert.False(result.GetProperty("requantized").GetBoolean());
        foreach (var layer in result.GetProperty("layers").EnumerateArray())
        {
            Assert.Equal(layer.GetProperty("name").GetString()!.EndsWith("down_proj", StringComparison.Ordinal) ? 8 : 3, layer.GetProperty("bits").GetInt32());
            Assert.InRange(layer.GetProperty("relative_error").GetDouble(), 1e-7, 0.2);
        }
        var hash = result.GetProperty("codes_sha256").GetString();
        Assert.Equal(hash, CommandLine.Vernier("inspect", At("packed"), "--json", "-").Json().GetProperty("codes_sha256").GetString());
        Assert.True(CommandLine.Vernier("verify", At("packed"), At("packed"), "--json", "-").Json().GetProperty("codes_equal").GetBoolean());

        var tuned = CommandLine.Vernier("tune", At("packed"), "--data", Rows(), "--out", At("run"), "--granularity", "group", "--steps", "3", "--threads", "1", "--json", "-").Json();
        Assert.True(tuned.GetProperty("codes_equal").GetBoolean());
        CommandLine.Vernier("export", At("packed"), "--adapter", At("run"), "--to", "native", "--out", At("tuned"), "--json", "-").Json();
        var verify = CommandLine.Vernier("verify", At("packed"), At("tuned"), "--json", "-").Json();
        Assert.True(verify.GetProperty("codes_equal").GetBoolean());
        Assert.True(verify.GetProperty("scales_changed").GetInt64() > 0);

        var again = CommandLine.Vernier("quantize", At("packed"), "--bits", "4", "--out", At("again"), "--json", "-");
        Assert.True(again.Json().GetProperty("requantized").GetBoolean());
        Assert.Contains("quantized already", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void GptqTakesMomentsFromCalibrationData()
    {
        var source = SharedFiles.At(Model);
        string[] common = ["quantize", source, "--bits", "3", "--group", "16", "--scheme", "gptq", "--out", At("packed")];
        Assert.Contains("--calibration", CommandLine.Vernier(common).Refusal(2), StringComparison.Ordinal);
        Assert.Contains("samples", CommandLine.Vernier([.. common, "--calibration", Rows(), "--samples", "100"]).Refusal(), StringComparison.Ordinal);
        var result = CommandLine.Vernier([.. common, "--calibration", Rows(), "--samples", "8", "--context", "24", "--act-order", "--skip-tokens", "1", "--json", "-"]).Json();
        Assert.Equal(7 * 3, result.GetProperty("layers").GetArrayLength()); // seven linears a block
        Assert.True(Directory.Exists(At("packed")));
    }

    [Fact]
    public void AGgufFileIsWrittenWhereItsBlocksHoldTheCodes()
    {
        var source = SharedFiles.Match(Gguf, "*.gguf").First(p => p.Contains("f16", StringComparison.OrdinalIgnoreCase) || p.Contains("q8", StringComparison.OrdinalIgnoreCase) || p.Contains("q4", StringComparison.OrdinalIgnoreCase));
        var result = CommandLine.Vernier("quantize", source, "--bits", "4", "--group", "32", "--out", At("packed.gguf"), "--json", "-").Json();
        Assert.Equal("gguf", result.GetProperty("format").GetString());
        Assert.Equal(result.GetProperty("codes_sha256").GetString(), CommandLine.Vernier("inspect", At("packed.gguf"), "--json", "-").Json().GetProperty("codes_sha256").GetString());
        Assert.Contains("native", CommandLine.Vernier("quantize", source, "--bits", "7", "--group", "32", "--out", At("no.gguf")).Refusal(), StringComparison.Ordinal);
        CommandLine.Vernier("quantize", source, "--override", "down_proj", "--out", At("no.gguf")).Refusal(2);
    }

    /// <summary>Sequences that repeat a pattern.</summary>
    private string Rows() => Write("rows.jsonl", string.Join('\n', Enumerable.Range(0, 8).Select(row =>
        $$"""{"input_ids":[{{string.Join(',', Enumerable.Range(0, 24).Select(i => 3 + i * (row % 3 + 1) % 20))}}]}""")));

    [Fact]
    public void AMixtureIsWrittenAndWeighedByAnImportanceMatrix()
    {
        var model = TinyModelFile.Write(At("model.gguf"));
        File.WriteAllText(At("text.txt"), string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog ", 20)));
        var matrix = CommandLine.Vernier("imatrix", model, "--data", At("text.txt"), "--context", "16", "--chunks", "2", "--out", At("m.gguf"), "--json", "-").Json();
        Assert.Equal((14, 2, 16), (matrix.GetProperty("tensors").GetInt32(), matrix.GetProperty("chunks").GetInt32(), matrix.GetProperty("chunk_size").GetInt32()));

        var run = CommandLine.Vernier("quantize", model, "--to", "IQ4_XS", "--imatrix", At("m.gguf"), "--out", At("small.gguf"), "--json", "-");
        Assert.Contains("quantized already", run.Error, StringComparison.Ordinal);
        Assert.Equal("iq4_xs", run.Json().GetProperty("scheme").GetString());
        Assert.Equal(At("m.gguf"), run.Json().GetProperty("importance").GetString());
        Assert.Contains(run.Json().GetProperty("layers").EnumerateArray(), l => l.GetProperty("format").GetString() == "IQ4_NL");
        var inspected = CommandLine.Vernier("inspect", At("small.gguf"), "--json", "-").Json();
        Assert.Equal(run.Json().GetProperty("codes_sha256").GetString(), inspected.GetProperty("codes_sha256").GetString());

        Assert.Contains("did you mean 'iq4_xs'", CommandLine.Vernier("quantize", model, "--to", "iq4xs", "--out", At("x.gguf")).Refusal(2), StringComparison.Ordinal);
        Assert.Contains("--bits does not go with --to", CommandLine.Vernier("quantize", model, "--to", "q4_k_m", "--bits", "4", "--out", At("x.gguf")).Refusal(2), StringComparison.Ordinal);
        Assert.Contains(".gguf", CommandLine.Vernier("quantize", model, "--to", "q4_k_m", "--out", At("folder")).Refusal(2), StringComparison.Ordinal);
        Assert.Contains("--to", CommandLine.Vernier("quantize", model, "--imatrix", At("m.gguf"), "--out", At("x.gguf")).Refusal(2), StringComparison.Ordinal);
        Assert.Contains("imatrix", CommandLine.Vernier("quantize", model, "--to", "q4_k_m", "--imatrix", model, "--out", At("x.gguf")).Refusal(), StringComparison.Ordinal);
        Assert.Contains("--context", CommandLine.Vernier("imatrix", model, "--data", At("text.txt"), "--context", "65", "--out", At("x.gguf")).Refusal(2), StringComparison.Ordinal);
        Assert.False(File.Exists(At("x.gguf")));
    }
}
