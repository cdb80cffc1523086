using Vernier.Files.Packings.Awq;

namespace Vernier.Files.Tests.Quantized;

public class AwqLayerTests
{
    private static readonly LayerCases s_cases = new("awq");

    public static TheoryData<string, string> Cases => s_cases.Rows;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Unpacks_to_the_reference_and_packs_to_the_same_bytes(string file, string name)
    {
        using var temporary = new TemporaryFolder();
        using var folder = LayerCases.Open(file, temporary);
        var config = AwqConfig.Read(LayerCases.Settings(file, name), file);
        var layer = AwqLayer.Read(folder, name, config);
        LayerCases.AssertWeights(folder, name + ".expected.deq", layer);
        LayerCases.AssertPacked(folder, AwqLayer.Plan(name, layer.OutFeatures, layer.InFeatures, config), AwqLayer.Pack(layer));
    }
}
