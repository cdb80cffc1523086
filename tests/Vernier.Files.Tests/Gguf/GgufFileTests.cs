using Vernier.Files.Gguf;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Gguf;

public class GgufFileTests
{
    public static TheoryData<string> EdgeFiles => EdgeCase.Names("gguf");

    public static TheoryData<string> Models => SharedFiles.Rows("goldens/formats/gguf_models/*.gguf", "goldens/formats/gguf_real/*.gguf");

    [Theory]
    [MemberData(nameof(EdgeFiles))]
    public void Edge_files_are_read_or_refused(string name)
    {
        var edge = EdgeCase.Find(name);
        using var file = edge.Open(GgufFile.Open);
        if (file is null || edge.Node["tensors"]?.AsObject() is not { } expected)
            return;
        Assert.Equal(expected.Select(t => t.Key), file.Tensors.Select(t => t.Name));
        foreach (var (tensorName, tensor) in expected)
        {
            var found = file.Get(tensorName);
            Assert.Equal((string)tensor!["type"]!, found.Format.Name);
            Assert.Equal(tensor["shape"]!.AsArray().Select(n => (long)n!), found.Dimensions);
            Assert.Equal((string)tensor["data_hex"]!, Convert.ToHexStringLower(file.Bytes(found)));
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_tensor_of_a_model_is_read(string name)
    {
        using var file = GgufFile.Open(SharedFiles.At(name));
        Assert.NotEmpty(file.Metadata["general.architecture"].AsString());
        foreach (var tensor in file.Tensors)
        {
            var row = new float[tensor.Columns];
            file.ReadRow(tensor, tensor.Rows - 1, row);
            Assert.All(row, x => Assert.True(float.IsFinite(x)));
        }
    }

    /// <summary>The files whose metadata has a value of every type.</summary>
    public static TheoryData<string> Metadata =>
    [
        .. SharedFiles.Match("goldens/formats/gguf_metadata", "*.gguf").Concat(SharedFiles.Match("goldens/formats/gguf_models", "f32_*.gguf")).Select(SharedFiles.NameOf),
    ];

    [Theory]
    [MemberData(nameof(Metadata))]
    public void Values_of_every_type_are_read(string name)
    {
        using var file = GgufFile.Open(SharedFiles.At(name));
        GgufValue Golden(string key) => file.Metadata["golden." + key];
        Assert.Equal(200, Golden("u8").AsInteger());
        Assert.Equal(-100, Golden("i8").AsInteger());
        Assert.Equal(60000, Golden("u16").AsInteger());
        Assert.Equal(-30000, Golden("i16").AsInteger());
        Assert.Equal(4000000000, Golden("u32").AsInteger());
        Assert.Equal(-2000000000, Golden("i32").AsInteger());
        Assert.Equal(0.1f, Golden("f32").AsNumber());
        Assert.Equal("18446744073709551615", Golden("u64").ToString());
        Assert.Throws<InvalidDataException>(() => Golden("u64").AsInteger());
        Assert.Equal(long.MinValue, Golden("i64").AsInteger());
        Assert.Equal(0.1, Golden("f64").AsNumber());
        Assert.Equal("gr\u00fc\u00df \U0001F600 \u4f60\u597d\n", Golden("str").AsString());
        Assert.Equal([1, -2, 3], Golden("a_i32").AsNumbers<int>());
        Assert.Equal([0.5f, -0.25f], Golden("a_f32").AsNumbers<float>());
        Assert.Equal(["a", "", "\u00e9"], Golden("a_str").AsStrings());
        Assert.Equal([true, false, true], Golden("a_bool").AsBools());
        var error = Assert.Throws<InvalidDataException>(() => Golden("str").AsInteger());
        Assert.Contains("golden.str", error.Message);
    }
}
