using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;

namespace Vernier.Files.Tests.Quantized;

/// <summary>LLM.int8: signed bytes times a row's largest magnitude over 127.</summary>
public sealed class Int8LayerTests : TemporaryFolderTests
{
    private static readonly sbyte[] s_codes = [-127, 0, 127, 5, -128, 64];

    [Fact]
    public void A_row_is_its_codes_times_its_largest_over_127()
    {
        Write(ElementType.I8, [.. s_codes.Select(c => (byte)c)]);
        using var folder = HfFolder.Open(Temporary.Path);
        var packed = QuantizedFolder.Find(folder)!;
        Assert.Equal(["m"], packed.Modules);
        var layout = packed.Describe("m");
        Assert.Equal((2, 3, 8, 3), (layout.Rows, layout.Columns, layout.Bits, layout.GroupSize));
        Assert.Equal(["m.weight", "m.SCB", "m.weight_format"], packed.Parts("m"));
        using var matrix = packed.Read("m");
        float[] largest = [2, 0.5f];
        foreach (var (i, value) in matrix.ToArray().Index())
            Assert.Equal(s_codes[i] * (largest[i / 3] / 127), value, 1e-6f);
        var row = new byte[3];
        packed.Codes("m")(1, row);
        Assert.Equal(s_codes[3..].Select(c => (byte)(c + 128)), row);
    }

    [Fact]
    public void Another_type_names_the_tensor()
    {
        Write(ElementType.U8, new byte[6]);
        using var folder = HfFolder.Open(Temporary.Path);
        Assert.Contains("model.safetensors: tensor 'm.weight': found U8, expected I8", Assert.Throws<InvalidDataException>(() => QuantizedFolder.Find(folder)!.Read("m")).Message);
    }

    private void Write(ElementType type, byte[] codes)
    {
        File.WriteAllText(Temporary["config.json"], """{"quantization_config":{"quant_method":"bitsandbytes","load_in_8bit":true}}""");
        using var writer = SafetensorsWriter.Create(Temporary["model.safetensors"], [new("m.weight", type, [2, 3]), new("m.SCB", ElementType.F32, [2])]);
        writer.Write(codes);
        writer.Write([2, 0.5f], ElementType.F32);
        writer.Commit();
    }
}
