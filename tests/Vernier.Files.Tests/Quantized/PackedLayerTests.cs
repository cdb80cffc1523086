using System.Text.Json;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings.Awq;
using Vernier.Files.Packings.BitsAndBytes;
using Vernier.Files.Packings.CompressedTensors;
using Vernier.Files.Packings.Gptq;
using Vernier.Files.Packings.Mlx;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Quantized;

/// <summary>Single layers of every packing: the reference's weights come out, and where Vernier writes the packing, the reference's bytes.</summary>
public sealed class PackedLayerTests
{
    public static TheoryData<string> GptqModels => [.. SharedFiles.SubFolders(LayerCases.Folder("gptq")).Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(LayerCases.Rows), "awq", MemberType = typeof(LayerCases))]
    public void Awq(string file, string name) => LayerCases.Check(file, name, (folder, settings) =>
    {
        var config = AwqConfig.Read(settings, file);
        var layer = AwqLayer.Read(folder, name, config);
        LayerCases.AssertWeights(folder, name, layer);
        LayerCases.AssertPacked(folder, AwqLayer.Plan(name, layer.OutFeatures, layer.InFeatures, config), AwqLayer.Pack(layer));
    });

    [Theory]
    [MemberData(nameof(LayerCases.Rows), "mlx", MemberType = typeof(LayerCases))]
    public void Mlx(string file, string name) => LayerCases.Check(file, name, (folder, settings) =>
    {
        var (bits, group) = MlxLayer.ReadSettings(settings, file);
        var layer = MlxLayer.Read(folder, name, bits, group);
        LayerCases.AssertWeights(folder, name, layer);
        var type = folder.Get(name + ".scales").Type;
        LayerCases.AssertPacked(folder, MlxLayer.Plan(name, layer.OutFeatures, layer.InFeatures, bits, group, type), MlxLayer.Pack(layer, type));
    });

    [Theory]
    [MemberData(nameof(LayerCases.Rows), "compressed_tensors", MemberType = typeof(LayerCases))]
    public void CompressedTensors(string file, string name) => LayerCases.Check(file, name, (folder, settings) =>
    {
        var group = settings.GetProperty("group_size");
        var layer = CompressedLayer.Read(folder, name, settings.GetProperty("num_bits").GetInt32(), group.ValueKind == JsonValueKind.Null ? 0 : group.GetInt32());
        LayerCases.AssertWeights(folder, name, layer);
    });

    [Theory]
    [MemberData(nameof(LayerCases.Rows), "bitsandbytes", MemberType = typeof(LayerCases))]
    public void BitsAndBytes(string file, string name) => LayerCases.Check(file, name, (folder, _) =>
    {
        var layer = BitsAndBytesLayer.Read(folder, name);
        var expected = folder.Get(name + ".expected.deq", layer.Shape.ToArray()).ToSingles();
        var values = new float[expected.Length];
        layer.Dequantize(0, values);
        Assert.Equal(folder.Get(name + ".expected.absmax").ToSingles(), layer.Scales);
        Assert.Equal(expected, values);
    });

    [Theory]
    [MemberData(nameof(LayerCases.Rows), "gptq", MemberType = typeof(LayerCases))]
    public void Gptq(string file, string name) => LayerCases.Check(file, name, (folder, settings) =>
    {
        var config = GptqConfig.Read(settings, file);
        var layer = GptqLayer.Read(folder, name, config);
        var codes = folder.Get(name + ".expected.codes", layer.InFeatures, layer.OutFeatures).ToIntegers<byte>();
        var zeros = folder.Get(name + ".expected.zeros", layer.Groups, layer.OutFeatures).ToIntegers<int>();
        for (var o = 0; o < layer.OutFeatures; o++)
        {
            for (var i = 0; i < layer.InFeatures; i++)
                Assert.Equal(codes[i * layer.OutFeatures + o], layer.Codes[o * layer.InFeatures + i]);
            for (var g = 0; g < layer.Groups; g++)
                Assert.Equal(zeros[g * layer.OutFeatures + o], layer.ZeroPoints![o * layer.Groups + g]);
        }
        LayerCases.AssertWeights(folder, name, layer);
        LayerCases.AssertPacked(folder, GptqLayer.Plan(name, layer.OutFeatures, layer.InFeatures, config), GptqLayer.Pack(layer, config));
    });

    [Theory]
    [MemberData(nameof(GptqModels))]
    public void Every_layer_of_a_model_is_read(string name)
    {
        using var folder = HfFolder.Open(SharedFiles.At(name));
        var config = GptqConfig.Read(folder.Config.RootElement.GetProperty("quantization_config"), folder.ConfigPath);
        var prefixes = folder.Tensors.Where(t => t.Name.EndsWith(".qweight", StringComparison.Ordinal)).Select(t => t.Name[..^".qweight".Length]).ToList();
        Assert.NotEmpty(prefixes);
        Assert.All(prefixes, prefix => Assert.All(GptqLayer.Read(folder, prefix, config).Scales, s => Assert.True(float.IsFinite(s))));
    }
}
