using Vernier.Export;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Tests.Export;

/// <summary>What a file's type cannot hold is refused with the layer's name, and nothing is written.</summary>
public sealed class StorableNumbersTests : TemporaryFolderTests
{
    [Theory]
    [InlineData(65504f, ElementType.F16, true)]
    [InlineData(65519.9f, ElementType.F16, true)]
    [InlineData(65520f, ElementType.F16, false)]
    [InlineData(-65520f, ElementType.F16, false)]
    [InlineData(1e38f, ElementType.BF16, true)]
    [InlineData(3.4e38f, ElementType.BF16, false)]
    [InlineData(3.4e38f, ElementType.F32, true)]
    [InlineData(float.NaN, ElementType.F32, false)]
    [InlineData(float.NegativeInfinity, ElementType.F32, false)]
    public void A_number_is_refused_when_the_type_would_make_it_infinite(float value, ElementType type, bool holds)
    {
        foreach (var (length, at) in ((int, int)[])[(1, 0), (100, 0), (100, 99), (100, 50), (7, 3)])
        {
            var values = new float[length];
            values[at] = value;
            var bytes = new byte[length * type.Size()];
            var back = new float[length];
            type.FromSingle(values, bytes);
            type.ToSingle(bytes, back);
            Assert.Equal(holds, float.IsFinite(back[at]));
            var error = Record.Exception(() => StorableNumbers.Require("layers.3", values, type));
            Assert.Equal(holds, error is null);
            if (error is not null)
                Assert.Contains("layers.3", error.Message);
        }
    }

    [Theory]
    [InlineData("gguf", 1e6f)]
    [InlineData("gptq", 1e6f)]
    [InlineData("awq", 1e6f)]
    [InlineData("mlx", 1e6f)]
    [InlineData("hf", 1e6f)]
    [InlineData("gguf", float.NaN)]
    [InlineData("gptq", float.NaN)]
    [InlineData("native", float.NaN)]
    [InlineData("native", float.PositiveInfinity)]
    [InlineData("hf", float.NaN)]
    public void A_scale_that_a_format_cannot_hold_leaves_nothing(string format, float scale)
    {
        using var model = SavedModel.Open("memory", Temporary.Path);
        var linear = model.Decoder.Linears.First(l => l.Weight is PackedMatrix);
        var scales = model.Decoder.Tune(linear);
        (scales.Scale.Span[0], scales.Offset.Span[0]) = (scale, -8 * scale);
        var output = Temporary.At("out");
        var error = Record.Exception(() => Write(model, format, output));
        Assert.True(error is NotSupportedException or InvalidDataException, $"{error}");
        Assert.Contains(format == "gguf" ? "blk.0." : linear.Name, error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Temporary.Path));
    }

    [Theory]
    [InlineData("gguf")]
    [InlineData("folder")]
    public void A_source_that_was_changed_since_it_was_loaded_is_not_exported(string kind)
    {
        using var model = SavedModel.Open(kind, Temporary.Path);
        var file = kind == "gguf" ? model.Source.Path : Path.Combine(model.Source.Path, "config.json");
        File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddMinutes(1));
        foreach (var format in (string[])["gguf", "gptq", "native", "hf"])
            Assert.Contains(file, Assert.Throws<InvalidDataException>(() => Write(model, format, Temporary.At("out"))).Message);
        Assert.False(Path.Exists(Temporary.At("out")));
    }

    [UnixOnlyFact]
    public void A_source_that_was_cut_is_refused_instead_of_ending_the_process()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        using (var cut = new FileStream(model.Source.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(5000);
        Assert.Contains("changed", Assert.Throws<InvalidDataException>(() => GgufExport.Write(model, Temporary.At("out"))).Message);
    }

    private static void Write(LanguageModel model, string format, string output)
    {
        switch (format)
        {
            case "gguf":
                GgufExport.Write(model, output);
                break;
            case "native":
                NativeExport.Write(model, output);
                break;
            case "hf":
                HuggingFaceExport.Write(model, output, ElementType.F16);
                break;
            default:
                PackedExport.Write(model, output, format);
                break;
        }
    }

    /// <summary>Where a mapped file cannot be cut, as on Windows, there is nothing to test.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class UnixOnlyFactAttribute : FactAttribute
    {
        public UnixOnlyFactAttribute() => Skip = OperatingSystem.IsWindows() ? "Windows does not let a mapped file be cut" : null;
    }
}
