using Vernier.Files.Packings.Mlx;

namespace Vernier.Files.Tests.Quantized;

public class MlxLayerTests
{
    private static readonly LayerCases s_cases = new("mlx");

    public static TheoryData<string, string> Cases => s_cases.Rows;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Unpacks_to_the_reference_and_packs_to_the_same_bytes(string file, string name)
    {
        using var temporary = new TemporaryFolder();
        using var folder = LayerCases.Open(file, temporary);
        var (bits, group) = MlxLayer.ReadSettings(LayerCases.Settings(file, name), file);
        var layer = MlxLayer.Read(folder, name, bits, group);
        LayerCases.AssertWeights(folder, name + ".expected.deq", layer);
        var type = folder.Get(name + ".scales").Type;
        LayerCases.AssertPacked(folder, MlxLayer.Plan(name, layer.OutFeatures, layer.InFeatures, bits, group, type), MlxLayer.Pack(layer, type));
    }
}
