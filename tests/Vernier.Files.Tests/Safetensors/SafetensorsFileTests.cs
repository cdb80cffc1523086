using Vernier.Files.Safetensors;

namespace Vernier.Files.Tests.Safetensors;

public class SafetensorsFileTests
{
    public static TheoryData<string> EdgeFiles => EdgeCase.Names("safetensors");

    [Theory]
    [MemberData(nameof(EdgeFiles))]
    public void Edge_files_are_read_or_refused(string name)
    {
        var edge = EdgeCase.Find(name);
        using var file = edge.Open(SafetensorsFile.Open);
        if (file is null || edge.Node["tensors"]?.AsObject() is not { } expected)
            return;
        Assert.Equal(expected.Select(t => t.Key).Order(StringComparer.Ordinal), file.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal));
        foreach (var (tensorName, tensor) in expected)
        {
            var found = file.Get(tensorName);
            Assert.Equal((string)tensor!["dtype"]!, found.Type.ToString());
            Assert.Equal(tensor["shape"]!.AsArray().Select(n => (long)n!), found.Shape);
            Assert.Equal((string)tensor["data_hex"]!, Convert.ToHexStringLower(file.Bytes(found)));
            Assert.Equal(found.Elements, file.ReadSingles(tensorName).Length);
        }
        if (edge.Node["metadata"]?.AsObject() is { } metadata)
            Assert.Equal(metadata.ToDictionary(m => m.Key, m => (string)m.Value!), file.Metadata);
        if (edge.Node["float_hex"]?.AsArray() is { } floats)
            Assert.Equal(floats.Select(f => (string)f!), file.ReadSingles("t").Select(Hex));
    }

    private static string Hex(float value) => float.IsNaN(value) ? "nan" : BitConverter.SingleToUInt32Bits(value).ToString("x8");
}
