using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.HuggingFace;
using Vernier.Files.Packings.Native;
using Vernier.Files.Safetensors;
using Vernier.Kernels;

namespace Vernier.Files.Tests.Quantized;

/// <summary>Vernier's own packing: any matrix comes back to the bit, and settings out of range are refused.</summary>
public sealed class NativeLayerTests : TemporaryFolderTests
{
    [Theory]
    [InlineData(2, 8)]
    [InlineData(3, 5)]
    [InlineData(4, 24)]
    [InlineData(4, 8, true)]
    [InlineData(5, 1)]
    [InlineData(8, 7)]
    [InlineData(4, 8, false, true)]
    public void A_matrix_comes_back_to_the_bit(int bits, int group, bool codebook = false, bool shuffled = false)
    {
        var random = new Random(bits);
        float[]? book = codebook ? [.. Enumerable.Range(0, 16).Select(i => i * 0.25f - 2)] : null;
        int[]? index = shuffled ? [.. Enumerable.Range(0, 24).Select(c => c % 3)] : null;
        using var matrix = new PackedMatrix(5, 24, bits, group, book, index);
        var codes = new byte[24];
        for (var row = 0; row < 5; row++)
        {
            foreach (ref var code in codes.AsSpan())
                code = (byte)random.Next(1 << bits);
            matrix.SetRowCodes(row, codes);
        }
        foreach (ref var scale in matrix.TunedScales.Scale.Span)
            scale = random.NextSingle() + 0.5f;
        foreach (ref var offset in matrix.TunedScales.Offset.Span)
            offset = random.NextSingle() - 0.5f;
        var layout = NativeLayer.Describe(matrix);
        File.WriteAllText(Temporary["config.json"], new JsonObject { ["quantization_config"] = NativeConfig.ToJson([new("m", layout)]) }.ToJsonString());
        using (var writer = SafetensorsWriter.Create(Temporary["model.safetensors"], NativeLayer.Plan("m", layout)))
        {
            NativeLayer.Write(writer, matrix);
            writer.Commit();
        }
        using var folder = HfFolder.Open(Temporary.Path);
        var packed = QuantizedFolder.Find(folder)!;
        Assert.Equal("vernier", packed.Method);
        Assert.Equal(["m"], packed.Modules);
        var found = packed.Describe("m");
        Assert.Equal((5, 24, bits, group, shuffled), (found.Rows, found.Columns, found.Bits, found.GroupSize, found.ActivationOrder));
        Assert.Equal(book, found.Codebook);
        Assert.Equal(folder.Tensors.Select(t => t.Name).Order(StringComparer.Ordinal), packed.Parts("m").Order(StringComparer.Ordinal));
        using var copy = packed.Read("m");
        Assert.Equal(matrix.ToArray(), copy.ToArray());
        var read = new byte[24];
        for (var row = 0; row < 5; row++)
        {
            matrix.ReadCodes(row, 0, codes);
            packed.Codes("m")(row, read);
            Assert.Equal(codes, read);
        }
    }

    [Theory]
    [InlineData("""{"version":2,"modules":{}}""", "version 2")]
    [InlineData("""{"version":1}""", "no modules")]
    [InlineData("""{"version":1,"modules":[]}""", "no modules")]
    [InlineData("""{"version":1,"modules":{"m":4}}""", "expected an object")]
    [InlineData("""{"version":1,"modules":{"m":{"bits":4,"group_size":4}}}""", "no shape")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":"4x4","bits":4,"group_size":4}}}""", "no shape")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4,4],"bits":4,"group_size":4}}}""", "no shape")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[0,4],"bits":4,"group_size":4}}}""", "a positive size")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,"4"],"bits":4,"group_size":4}}}""", "a positive size")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":1,"group_size":4}}}""", "1 bits")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":9,"group_size":4}}}""", "9 bits")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":4,"group_size":0}}}""", "a group of 0")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":4,"group_size":5}}}""", "a group of 5")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[65536,32768],"bits":4,"group_size":4}}}""", "less than 2^31")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":2,"group_size":4,"codebook":[1,2,3]}}}""", "codebook")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":5,"group_size":4,"codebook":[1]}}}""", "codebook")]
    [InlineData("""{"version":1,"modules":{"m":{"shape":[4,4],"bits":2,"group_size":4,"codebook":[1,2,3,"x"]}}}""", "x in the codebook")]
    public void Settings_that_cannot_be_are_refused(string settings, string says)
    {
        var error = Record.Exception(() => NativeConfig.Read(JsonSerializer.Deserialize<JsonElement>(settings), "c"));
        Assert.True(error is InvalidDataException or NotSupportedException, $"{error}");
        Assert.StartsWith("c:", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(8, 4)]
    public void Settings_at_the_bounds_are_taken(int bits, int group)
    {
        var settings = JsonSerializer.SerializeToElement(new { version = 1, modules = new { m = new { shape = (int[])[4, 4], bits, group_size = group } } });
        var layout = Assert.Single(NativeConfig.Read(settings, "c")).Value;
        Assert.Equal((4, 4, bits, group), (layout.Rows, layout.Columns, layout.Bits, layout.GroupSize));
        settings = JsonSerializer.Deserialize<JsonElement>("""{"version":1,"modules":{"m":{"shape":[1,2147483647],"bits":4,"group_size":4}}}""");
        Assert.Equal(int.MaxValue, NativeConfig.Read(settings, "c")["m"].Columns);
    }
}
