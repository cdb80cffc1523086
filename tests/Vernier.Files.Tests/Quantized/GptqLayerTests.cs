using Vernier.Files.HuggingFace;
using Vernier.Files.Packings.Gptq;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Quantized;

public class GptqLayerTests
{
    private static readonly LayerCases s_cases = new("gptq");

    public static TheoryData<string, string> Cases => s_cases.Rows;

    public static TheoryData<string> Models => [.. SharedFiles.SubFolders(s_cases.Folder).Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Unpacks_to_the_reference_and_packs_to_the_same_bytes(string file, string name)
    {
        using var temporary = new TemporaryFolder();
        using var folder = LayerCases.Open(file, temporary);
        var config = GptqConfig.Read(LayerCases.Settings(file, name), file);
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
        LayerCases.AssertWeights(folder, name + ".expected.deq", layer);
        LayerCases.AssertPacked(folder, GptqLayer.Plan(name, layer.OutFeatures, layer.InFeatures, config), GptqLayer.Pack(layer, config));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_layer_of_a_model_is_read(string name)
    {
        using var folder = HfFolder.Open(SharedFiles.At(name));
        var config = GptqConfig.Read(folder.Config.RootElement.GetProperty("quantization_config"), folder.ConfigPath);
        var prefixes = folder.Tensors.Where(t => t.Name.EndsWith(".qweight", StringComparison.Ordinal)).Select(t => t.Name[..^".qweight".Length]).ToList();
        Assert.NotEmpty(prefixes);
        Assert.All(prefixes, prefix => Assert.All(GptqLayer.Read(folder, prefix, config).Scales, s => Assert.True(float.IsFinite(s))));
    }
}
