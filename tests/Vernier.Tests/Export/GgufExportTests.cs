using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.TestSupport;

namespace Vernier.Tests.Export;

/// <summary>Export to GGUF: untouched models come out as they went in, tuned ones with the same codes and other scales.</summary>
public sealed class GgufExportTests : TemporaryFolderTests
{
    [Theory]
    [MemberData(nameof(GgufModels.Names), MemberType = typeof(GgufModels))]
    public void AnUntouchedModelComesOutAsItWentIn(string name)
    {
        var source = SharedFiles.At(name);
        using var model = LanguageModel.Load(source, new LoadOptions { Threads = 1 });
        var target = Temporary.At("out.gguf");
        GgufExport.Write(model, target);
        AssertSameExceptScales(source, target, sameTensorBytes: true);
    }

    [Theory]
    [MemberData(nameof(GgufModels.Names), MemberType = typeof(GgufModels))]
    public void TunedScalesKeepCodesAndMetadata(string name)
    {
        var source = SharedFiles.At(name);
        using var model = LanguageModel.Load(source, new LoadOptions { Threads = 1 });
        var tunable = model.Decoder.Linears.Where(l => l.Weight is PackedMatrix && HasFreeScales(model, l)).ToList();
        foreach (var linear in tunable)
            Scale(model, linear, 1.25f);
        var target = Temporary.At("out.gguf");
        GgufExport.Write(model, target);
        AssertSameExceptScales(source, target, sameTensorBytes: false);
        using var before = LanguageModel.Load(source, new LoadOptions { Threads = 1 });
        using var after = LanguageModel.Load(target, new LoadOptions { Threads = 1 });
        var comparison = CodeComparison.Of(before, after);
        Assert.Equal(before.CodesSha256(), after.CodesSha256());
        if (before.CodesSha256() is null)
            return;
        Assert.True(comparison.CodesEqual == true);
        if (tunable.Count > 0)
            // a scale is rounded to fp16 once more: half a unit in its last place, and subnormal scales lose more
            Assert.InRange(comparison.MaxRelativeChange, 0.2, 0.3);
    }

    [Theory]
    [MemberData(nameof(GgufModels.Names), MemberType = typeof(GgufModels))]
    public void GroupsOfABlockThatMovedApartAreRefusedWhereTheBlockHasOneScale(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        var twoLevels = false;
        foreach (var linear in model.Decoder.Linears)
            if (linear.Weight is PackedMatrix packed && HasFreeScales(model, linear))
            {
                twoLevels |= model.Source.Tensors.Single(t => t.Name == linear.Name + ".weight").Format.EndsWith("_K", StringComparison.Ordinal);
                var scales = model.Decoder.Tune(linear);
                foreach (var g in Enumerable.Range(0, packed.Rows * packed.Groups))
                    scales.Scale.Span[g] *= 1 + 0.01f * (g % 3);
                foreach (var g in Enumerable.Range(0, packed.Rows * packed.Groups))
                    scales.Offset.Span[g] *= 1 + 0.01f * (g % 3);
            }
        var target = Temporary.At("out.gguf");
        if (twoLevels)
        {
            var refusal = Assert.Throws<NotSupportedException>(() => GgufExport.Write(model, target));
            Assert.Contains("--granularity channel", refusal.Message, StringComparison.Ordinal);
        }
        else
            GgufExport.Write(model, target);
        Assert.Equal(!twoLevels, File.Exists(target));
    }

    /// <summary>MXFP4's scale is a power of two: it cannot be tuned in place.</summary>
    private static bool HasFreeScales(LanguageModel model, Linear linear) =>
        BlockFormats.Find(model.Source.Tensors.Single(t => t.Name == linear.Name + ".weight").Format)!.Codes!.HalfScales.Count > 0;

    private static void Scale(LanguageModel model, Linear linear, float factor)
    {
        var scales = model.Decoder.Tune(linear);
        foreach (ref var s in scales.Scale.Span)
            s *= factor;
        foreach (ref var o in scales.Offset.Span)
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
