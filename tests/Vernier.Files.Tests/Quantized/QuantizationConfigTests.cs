using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings;
using Vernier.Files.Packings.Awq;
using Vernier.Files.Packings.CompressedTensors;
using Vernier.Files.Packings.Gptq;
using Vernier.Files.Safetensors;

namespace Vernier.Files.Tests.Quantized;

public class QuantizationConfigTests
{
    [Fact]
    public void Gptq_settings_are_read()
    {
        Assert.Equal(new GptqConfig(4, 128, Symmetric: true, ActivationOrder: true), GptqConfig.Read(Json("""{"bits":4,"group_size":128,"sym":true,"desc_act":true}"""), "c"));
        Assert.Equal(new GptqConfig(3, 0, StoresZeroMinusOne: false), GptqConfig.Read(Json("""{"bits":3,"group_size":-1,"checkpoint_format":"gptq_v2"}"""), "c"));
    }

    [Fact]
    public void Compressed_tensors_settings_are_read()
    {
        const string text = """{"format":"pack-quantized","config_groups":{"group_0":{"targets":["Linear"],"weights":{"num_bits":4,"group_size":128,"strategy":"group"}}}}""";
        Assert.Equal(new CompressedConfig(4, 128), CompressedConfig.Read(Json(text), "c"));
        Assert.Equal(new CompressedConfig(4, 0), CompressedConfig.Read(Json(text.Replace("\"group\"", "\"channel\"")), "c"));
        Assert.Throws<NotSupportedException>(() => CompressedConfig.Read(Json(text.Replace("pack-", "int-")), "c"));
        Assert.Throws<InvalidDataException>(() => CompressedConfig.Read(Json("""{"format":"pack-quantized","config_groups":{}}"""), "c"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"bits":"4"}""")]
    [InlineData("""{"bits":4.5}""")]
    [InlineData("""{"bits":4,"group_size":0}""")]
    [InlineData("""{"bits":4,"group_size":-2}""")]
    public void Settings_out_of_range_name_the_file(string text)
    {
        Assert.StartsWith("c:", Assert.Throws<InvalidDataException>(() => GptqConfig.Read(Json(text), "c")).Message);
        Assert.StartsWith("c:", Assert.Throws<InvalidDataException>(() => AwqConfig.Read(Json(text), "c")).Message);
    }

    [Theory]
    [InlineData("""{"bits":5,"checkpoint_format":"gptq","version":"gemm"}""")]
    [InlineData("""{"bits":4,"checkpoint_format":"marlin","version":"gemv"}""")]
    public void Settings_not_read_here_name_the_file(string text)
    {
        Assert.StartsWith("c:", Assert.Throws<NotSupportedException>(() => GptqConfig.Read(Json(text), "c")).Message);
        Assert.StartsWith("c:", Assert.Throws<NotSupportedException>(() => AwqConfig.Read(Json(text), "c")).Message);
    }

    [Fact]
    public void A_layer_whose_tensors_do_not_fit_each_other_names_the_file_and_the_tensor()
    {
        using var temporary = new TemporaryFolder();
        File.WriteAllText(temporary["config.json"], "{}");
        var config = new GptqConfig(4, 32);
        var layer = new QuantizedLayer(32, 64, 4, 32) { ZeroPoints = new int[64] };
        var plans = GptqLayer.Plan("l", 32, 64, config);
        var packed = GptqLayer.Pack(layer, config);
        packed[3][0] = 9; // g_idx: a group that is not there
        using (var writer = SafetensorsWriter.Create(temporary["model.safetensors"], plans))
        {
            foreach (var bytes in packed)
                writer.Write(bytes);
            writer.Commit();
        }
        using var folder = HfFolder.Open(temporary.Path);
        Assert.Contains("model.safetensors: tensor 'l.g_idx'", Assert.Throws<InvalidDataException>(() => GptqLayer.Read(folder, "l", config)).Message);
        Assert.Contains("'m.qweight'", Assert.Throws<InvalidDataException>(() => GptqLayer.Read(folder, "m", config)).Message);
    }

    [Fact]
    public void Formats_refuse_what_they_cannot_hold()
    {
        var free = new QuantizedLayer(32, 64, 4, 32) { Offsets = new float[64] };
        Assert.Throws<NotSupportedException>(() => GptqLayer.Pack(free, new GptqConfig(4, 32)));
        Assert.Throws<NotSupportedException>(() => AwqLayer.Pack(free));
        var fits = new QuantizedLayer(32, 64, 4, 32) { ZeroPoints = [.. Enumerable.Repeat(8, 64)] };
        Assert.NotEmpty(GptqLayer.Pack(fits, new GptqConfig(4, 32)));
        Assert.Throws<ArgumentException>(() => GptqLayer.Pack(fits, new GptqConfig(8, 32)));
        Assert.Throws<ArgumentException>(() => GptqLayer.Pack(fits, new GptqConfig(4, 64)));
        var large = new QuantizedLayer(32, 64, 4, 32) { ZeroPoints = new int[64] };
        large.Scales[5] = 1e6f;
        Assert.Throws<NotSupportedException>(() => AwqLayer.Pack(large));
        Assert.Throws<NotSupportedException>(() => AwqLayer.Plan("l", 33, 64, new AwqConfig(32)));
        Assert.Throws<NotSupportedException>(() => GptqLayer.Plan("l", 33, 64, new GptqConfig(4, 32)));
    }

    private static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);
}
