using Vernier.Files.Packings.BitsAndBytes;

namespace Vernier.Files.Tests.Quantized;

public class BitsAndBytesLayerTests
{
    private static readonly LayerCases s_cases = new("bitsandbytes");

    public static TheoryData<string, string> Cases => s_cases.Rows;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Unpacks_to_the_reference(string file, string name)
    {
        using var temporary = new TemporaryFolder();
        using var folder = LayerCases.Open(file, temporary);
        var layer = BitsAndBytesLayer.Read(folder, name);
        var expected = folder.Get(name + ".expected.deq", layer.Shape.ToArray()).ToSingles();
        var values = new float[expected.Length];
        layer.Dequantize(0, values);
        Assert.Equal(folder.Get(name + ".expected.absmax").ToSingles(), layer.Scales);
        Assert.Equal(expected, values);
    }
}
