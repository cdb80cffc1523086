using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.TestSupport;

namespace Vernier.Tests.Export;

/// <summary>Export to GGUF: untouched models come out as they went in, tuned ones with the same codes and other scales.</summary>
public sealed class GgufExportTests : IDisposable
{
    private const string Folder = "goldens/formats/gguf_models";
    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-export-").FullName;

    public static TheoryData<string> Models => [.. SharedFiles.Match(Folder, "*.gguf").Select(p => Path.GetFileName(p))];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SharedTheory(Folder)]
    [MemberData(nameof(Models))]
    public void AnUntouchedModelComesOutAsItWentIn(string name)
    {
        var source = SharedFiles.At(Path.Combine(Folder, name));
        using var model = LanguageModel.Load(source, new LoadOptions { Threads = 1 });
        var target = Path.Combine(_folder, "out.gguf");
        GgufExport.Write(model, target);
        AssertSameExceptScales(source, target, sameTensorBytes: true);
    }

    [SharedTheory(Folder)]
    [MemberData(nameof(Models))]
    public void TunedScalesKeepCodesAndMetadata(string name)
    {
        var source = SharedFiles.At(Path.Combine(Folder, name));
        using var model = LanguageModel.Load(source, new LoadOptions { Threads = 1 });
        var joinable = model.Source.Tensors.All(t => t.Format is "F32" or "F16" or "Q4_0" or "Q4_1" or "Q5_0" or "Q5_1" or "Q8_0");
        foreach (var packed in model.Decoder.Linears.Select(l => l.Weight).OfType<PackedMatrix>())
            Scale(packed, 1.25f);
        var target = Path.Combine(_folder, "out.gguf");
        if (!joinable)
        {
            var refusal = Assert.Throws<NotSupportedException>(() => GgufExport.Write(model, target));
            Assert.Contains("Q4_0", refusal.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(target));
            return;
        }
        GgufExport.Write(model, target);
        AssertSameExceptScales(source, target, sameTensorBytes: false);
        using var before = LanguageModel.Load(source, new LoadOptions { Threads = 1 });
        using var after = LanguageModel.Load(target, new LoadOptions { Threads = 1 });
        var comparison = CodeComparison.Of(before, after);
        Assert.Equal(before.CodesSha256(), after.CodesSha256());
        if (before.CodesSha256() is null)
            return;
        Assert.True(comparison.CodesEqual);
        if (model.Decoder.Linears.Any(l => l.Weight is PackedMatrix))
            // a scale is rounded to fp16 once more: half a unit in its last place, and subnormal scales lose more
            Assert.InRange(comparison.MaxRelativeChange, 0.2, 0.3);
    }

    private static void Scale(PackedMatrix matrix, float factor)
    {
        foreach (ref var s in matrix.Scales.Scale.Span)
            s *= factor;
        foreach (ref var o in matrix.Scales.Offset.Span)
            o *= factor;
    }

    private static void AssertSameExceptScales(string expectedPath, string actualPath, bool sameTensorBytes)
    {
        using var expected = GgufFile.Open(expectedPath);
        using var actual = GgufFile.Open(actualPath);
        Assert.Equal(expected.Metadata.Count, actual.Metadata.Count);
        foreach (var (e, a) in expected.Metadata.Zip(actual.Metadata))
            Assert.True(e.Raw.Span.SequenceEqual(a.Raw.Span), e.Key);
        Assert.Equal(expected.Tensors.Select(t => (t.Name, t.Format.Name, t.ByteLength)), actual.Tensors.Select(t => (t.Name, t.Format.Name, t.ByteLength)));
        foreach (var (e, a) in expected.Tensors.Zip(actual.Tensors))
            Assert.True(!sameTensorBytes || expected.Bytes(e).SequenceEqual(actual.Bytes(a)), e.Name);
    }
}
