using System.Text.Json;
using Vernier.Files.Packings.CompressedTensors;

namespace Vernier.Files.Tests.Quantized;

public class CompressedLayerTests
{
    private static readonly LayerCases s_cases = new("compressed_tensors");

    public static TheoryData<string, string> Cases => s_cases.Rows;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Unpacks_to_the_reference(string file, string name)
    {
        using var temporary = new TemporaryFolder();
        using var folder = LayerCases.Open(file, temporary);
        var settings = LayerCases.Settings(file, name);
        var group = settings.GetProperty("group_size");
        var layer = CompressedLayer.Read(folder, name, settings.GetProperty("num_bits").GetInt32(), group.ValueKind == JsonValueKind.Null ? 0 : group.GetInt32());
        LayerCases.AssertWeights(folder, name + ".expected.deq", layer);
    }
}
