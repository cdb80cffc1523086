using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;

namespace Vernier.Files.Tests.Quantized;

/// <summary>Every golden layer as the matrix that a model computes with, found by the settings of its config.</summary>
public class QuantizedFolderTests
{
    private static readonly Dictionary<string, Func<JsonElement, JsonObject>> s_configs = new()
    {
        ["gptq"] = e => Config("gptq", e, "bits", "group_size", "sym", "desc_act", "checkpoint_format"),
        ["awq"] = e => Config("awq", e, "bits", "group_size", "version"),
        ["mlx"] = e => new JsonObject { ["quantization"] = Settings(e, "bits", "group_size") },
        ["bitsandbytes"] = e => new JsonObject { ["quantization_config"] = new JsonObject { ["quant_method"] = "bitsandbytes", ["load_in_4bit"] = true } },
        ["compressed_tensors"] = e => new JsonObject
        {
            ["quantization_config"] = new JsonObject
            {
                ["quant_method"] = "compressed-tensors",
                ["format"] = "pack-quantized",
                ["config_groups"] = new JsonObject { ["group_0"] = new JsonObject { ["weights"] = Settings(e, "num_bits", "strategy", "group_size") } },
            },
        },
    };

    public static TheoryData<string, string, string> Cases
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var format in s_configs.Keys)
                foreach (var row in LayerCases.Rows(format))
                    rows.Add(format, (string)row[0], (string)row[1]);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ALayerIsTheMatrixOfItsDequantizedWeights(string format, string file, string name)
    {
        using var temporary = new TemporaryFolder();
        var settings = LayerCases.Settings(file, name);
        using var folder = Open(file, s_configs[format](settings), temporary);
        var packed = QuantizedFolder.Find(folder)!;
        Assert.Contains(name, packed.Modules);
        var expected = folder.Get(name + ".expected.deq");
        if (format == "bitsandbytes" && expected.Shape[1] % settings.GetProperty("blocksize").GetInt32() != 0)
        {
            Assert.Contains("cross the rows", Assert.Throws<NotSupportedException>(() => packed.Describe(name)).Message);
            Assert.Throws<NotSupportedException>(() => packed.Read(name));
            return;
        }
        var layout = packed.Describe(name);
        using var matrix = packed.Read(name);
        Assert.Equal(expected.Shape, [layout.Rows, layout.Columns]);
        Assert.Equal((layout.Rows, layout.Columns, layout.Bits, layout.GroupSize), (matrix.Rows, matrix.Columns, matrix.Bits, matrix.GroupSize));
        AssertClose(expected.ToSingles(), matrix);
        var (codes, read) = (new byte[matrix.Columns], new byte[matrix.Columns]);
        var reader = packed.Codes(name);
        for (var row = 0; row < matrix.Rows; row++)
        {
            matrix.ReadCodes(row, 0, codes);
            reader(row, read);
            Assert.Equal(codes, read);
        }
        Assert.Contains(packed.Parts(name), part => folder.Find(part) is not null);
    }

    [Theory]
    [InlineData("""{"quantization_config":{"quant_method":"hqq"}}""", "hqq")]
    [InlineData("""{"quantization_config":{"quant_method":"gptq","bits":4,"group_size":32,"dynamic":{"+:a(?=b)":{"bits":8}}}}""", "dynamic")]
    [InlineData("""{"quantization":{"bits":4,"group_size":32,"mode":"mxfp4"}}""", "mxfp4")]
    public void APackingThatIsNotReadNamesTheConfig(string config, string says)
    {
        using var temporary = new TemporaryFolder();
        using var folder = Empty(config, temporary);
        var refusal = Assert.Throws<NotSupportedException>(() => QuantizedFolder.Find(folder)).Message;
        Assert.StartsWith(folder.ConfigPath + ":", refusal);
        Assert.Contains(says, refusal);
    }

    [Fact]
    public void ThePackingIsFoundWhereToolsWriteIt()
    {
        Assert.Equal("gptq", Method("{}", "quantize_config.json", """{"bits":4,"group_size":128,"desc_act":false}"""));
        Assert.Equal("awq", Method("{}", "quant_config.json", """{"zero_point":true,"q_group_size":128,"w_bit":4,"version":"GEMM"}"""));
        Assert.Equal("mlx", Method("""{"quantization_config":{"group_size":64,"bits":4}}"""));
        Assert.Equal("bitsandbytes", Method("""{"quantization_config":{"load_in_4bit":true}}"""));
        Assert.Equal("bitsandbytes", Method("""{"quantization_config":{"load_in_8bit":true}}"""));
        Assert.Equal("mlx", Method("""{"quantization_config":{"quant_method":4,"group_size":64,"bits":4}}"""));
        Assert.Equal("gptq", Method("""{"quantization_config":{"bits":4,"group_size":32}}""", tensor: "m.qweight"));
        Assert.Null(Method("""{"quantization_config":null}"""));
        Assert.Null(Method("{}"));
    }

    private static string? Method(string config, string? file = null, string settings = "", string? tensor = null)
    {
        using var temporary = new TemporaryFolder();
        if (file is not null)
            File.WriteAllText(temporary[file], settings);
        using var folder = Empty(config, temporary, tensor);
        return QuantizedFolder.Find(folder)?.Method;
    }

    private static HfFolder Empty(string config, TemporaryFolder temporary, string? tensor = null)
    {
        File.WriteAllText(temporary["config.json"], config);
        using (var writer = SafetensorsWriter.Create(temporary["model.safetensors"], tensor is null ? [] : [new(tensor, ElementType.I32, [0])]))
            writer.Commit();
        return HfFolder.Open(temporary.Path);
    }

    private static HfFolder Open(string file, JsonObject config, TemporaryFolder temporary)
    {
        LayerCases.Open(file, temporary).Dispose();
        File.WriteAllText(temporary["config.json"], config.ToJsonString());
        return HfFolder.Open(temporary.Path);
    }

    /// <summary>One rounding here, one for each operation in the reference.</summary>
    private static void AssertClose(float[] expected, Vernier.Kernels.PackedMatrix matrix)
    {
        var (actual, offsets) = (matrix.ToArray(), matrix.Scales.ToArrays().Offset);
        for (var i = 0; i < expected.Length; i++)
        {
            var group = i / matrix.Columns * matrix.Groups + matrix.GroupOf(i % matrix.Columns);
            var product = MathF.Abs(actual[i] - offsets[group]);
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= 1.2e-7f * (product + MathF.Abs(actual[i])), $"element {i}: {expected[i]:R} and {actual[i]:R}");
        }
    }

    private static JsonObject Config(string method, JsonElement entry, params string[] keys)
    {
        var settings = Settings(entry, keys);
        settings["quant_method"] = method;
        return new JsonObject { ["quantization_config"] = settings };
    }

    private static JsonObject Settings(JsonElement entry, params string[] keys)
    {
        var settings = new JsonObject();
        foreach (var key in keys)
            if (entry.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null)
                settings[key] = JsonNode.Parse(value.GetRawText());
        return settings;
    }
}
