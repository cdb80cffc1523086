using System.Text.Json.Nodes;
using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>A GPTQ or AWQ folder from the outside: every verb takes it, and tuning gives back the same kind of folder.</summary>
public sealed class PackedFolderTests : TemporaryFolder
{
    private const string Formats = "goldens/formats";

    /// <summary>Every whole model in a packing that is written, and its packing.</summary>
    public static TheoryData<string, string> Models
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var format in (string[])["gptq", "awq"])
                foreach (var folder in SharedFiles.SubFolders($"{Formats}/{format}"))
                    rows.Add(format, folder);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void TunedAndGivenBack(string format, string model)
    {
        var inspected = CommandLine.Vernier("inspect", model, "--json", "-").Json();
        Assert.Equal(format, inspected.GetProperty("quantization").GetString());
        var planned = CommandLine.Vernier("plan", model, "--json", "-").Json().GetProperty("trainable_parameters").GetInt64();
        var tuned = CommandLine.Vernier("tune", model, "--data", Rows(), "--out", At("run"), "--steps", "3", "--context", "24", "--threads", "1", "--json", "-").Json();
        Assert.True(tuned.GetProperty("codes_equal").GetBoolean());
        Assert.Equal(planned, tuned.GetProperty("trainable_parameters").GetInt64());
        Assert.Equal(3, CommandLine.Vernier("generate", model, "--adapter", At("run"), "--prompt-ids", "1,2,3", "--max-tokens", "3", "--json", "-").Json().GetProperty("ids").GetArrayLength());

        var exported = CommandLine.Vernier("export", model, "--adapter", At("run"), "--to", format, "--out", At("tuned"), "--json", "-").Json();
        Assert.Equal(format, exported.GetProperty("format").GetString());
        var verify = CommandLine.Vernier("verify", model, At("tuned"), "--json", "-").Json();
        Assert.True(verify.GetProperty("codes_equal").GetBoolean());
        Assert.True(verify.GetProperty("scales_changed").GetInt64() > 0);
        var again = CommandLine.Vernier("inspect", At("tuned"), "--json", "-").Json();
        foreach (var field in (string[])["codes_sha256", "parameters", "quantization", "architecture", "bits_per_weight"])
            Assert.Equal(inspected.GetProperty(field).ToString(), again.GetProperty(field).ToString());
        CommandLine.Vernier("export", At("tuned"), "--to", "hf", "--dtype", "f16", "--out", At("plain"), "--json", "-").Json();
        Assert.Null(JsonNode.Parse(File.ReadAllText(At("plain/config.json")))!["quantization_config"]);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, CommandLine.Vernier("inspect", At("plain"), "--json", "-").Json().GetProperty("codes_sha256").ValueKind);
    }

    [Fact]
    public void APackingThatIsNotReadIsNamed()
    {
        Directory.CreateDirectory(At("odd"));
        var source = (string)Models.First()[1];
        File.Copy(Path.Combine(source, "model.safetensors"), At("odd/model.safetensors"));
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!;
        config["quantization_config"]!["quant_method"] = "hqq";
        Write("odd/config.json", config.ToJsonString());
        Assert.Contains("'hqq'", CommandLine.Vernier("generate", At("odd"), "--prompt-ids", "1").Refusal(), StringComparison.Ordinal);
        config["quantization_config"]!["quant_method"] = "gptq";
        config["quantization_config"]!["bits"] = 8;
        Write("odd/config.json", config.ToJsonString());
        Assert.Contains("model.layers.0.self_attn.q_proj.", CommandLine.Vernier("generate", At("odd"), "--prompt-ids", "1").Refusal(), StringComparison.Ordinal);
    }

    private string Rows() => Write("rows.jsonl", string.Join('\n', Enumerable.Range(0, 8).Select(row =>
        $$"""{"input_ids":[{{string.Join(',', Enumerable.Range(0, 24).Select(i => 3 + i * (row % 3 + 1) % 20))}}]}""")));
}
