using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Tensors;
using Vernier.Inspection;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Models;

/// <summary>Every family of goldens/formats/gguf_families and goldens/families, out and back in every format: the same scores and the same codes.</summary>
public sealed class FamilyTests : IDisposable
{
    private const string Files = "goldens/formats/gguf_families";
    private const string Folders = "goldens/families";

    private static readonly int[] Ids = [.. Enumerable.Range(1, 40)]; // beyond the original context of longrope

    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-family-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Families whose blocks of 32 columns have a scale each, so that any scale can be written back.</summary>
    public static TheoryData<string> Quantized() => Names(SharedFiles.Match(Files, "*.q?_0.gguf"));

    public static TheoryData<string> Plain() => Names(SharedFiles.SubFolders(Folders));

    [Theory]
    [MemberData(nameof(Quantized))]
    public void Untouched_files_come_back_to_the_byte(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        GgufExport.Write(model, At("m.gguf"));
        using var source = GgufFile.Open(SharedFiles.At(name));
        using var copy = GgufFile.Open(At("m.gguf"));
        Assert.Equal(source.Tensors.Select(t => t.Name), copy.Tensors.Select(t => t.Name));
        foreach (var tensor in source.Tensors)
            Assert.True(source.Bytes(tensor).SequenceEqual(copy.Bytes(copy.Get(tensor.Name))), tensor.Name);
    }

    [Theory]
    [MemberData(nameof(Quantized))]
    public void Tuned_scales_go_back_over_the_same_codes(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        var codes = model.CodesSha256();
        Assert.Equal(codes, FileInspector.Inspect(SharedFiles.At(name)).CodesSha256);
        Tune(model);
        GgufExport.Write(model, At("m.gguf"));
        Assert.Equal(codes, FileInspector.Inspect(At("m.gguf")).CodesSha256);
        using var copy = LanguageModel.Load(At("m.gguf"), new LoadOptions { Threads = 1 });
        Close.Assert(Logits(model), Logits(copy), 0.02, "logits"); // fp16 rounding of scales
        NativeExport.Write(model, At("native"));
        Reloaded(model, "native", 1e-4);
        foreach (var format in (string[])["gptq", "awq", "mlx"])
            if (format != "awq" || !name.Contains("q8_0", StringComparison.Ordinal))
            {
                PackedExport.Write(model, At(format), format, ElementType.F32);
                Reloaded(model, format, 1e-3); // zero points times scales are rounded anew
            }
        HuggingFaceExport.Write(model, At("hf"), ElementType.F32);
        Reloaded(model, "hf", 1e-3, packed: false);
    }

    /// <summary>Prompt and single tokens, with a cache of halves: activations of 8 bits move the logits by a few hundredths of their largest.</summary>
    [Theory]
    [MemberData(nameof(Quantized))]
    public void Integer_arithmetic_is_near_full_precision(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        using var integer = new Compute(2, ComputeMode.Int8);
        var (expected, vocabulary) = (Logits(model), model.Config.VocabularySize);
        var largest = expected.Max(Math.Abs);
        using var cache = new KvCache(model.Config, Ids.Length, half: true);
        var found = new float[vocabulary];
        model.Decoder.Forward(integer, Ids.AsSpan(0, 36), cache, found);
        for (var token = 36; ; token++)
        {
            Close.Assert(expected.AsSpan((token - 1) * vocabulary, vocabulary), found, 0.08 * largest, $"logits of {token}");
            if (token == Ids.Length)
                break;
            model.Decoder.Forward(integer, Ids.AsSpan(token, 1), cache, found);
        }
    }

    [SharedTheory(Folders)]
    [MemberData(nameof(Plain))]
    public void Folders_become_files_and_folders_again(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 1 });
        HuggingFaceExport.Write(model, At("hf"), ElementType.F32);
        using (var source = Vernier.Files.HuggingFace.HfFolder.Open(SharedFiles.At(name)))
        using (var copy = Vernier.Files.HuggingFace.HfFolder.Open(At("hf")))
            foreach (var tensor in copy.Tensors)
                Assert.True(HuggingFaceWeights.Spellings(tensor.Name).Select(source.Find).First(t => t is not null)!.ToSingles().AsSpan().SequenceEqual(tensor.ToSingles()), tensor.Name);
        if (Refused(model.Config) is { } key)
        {
            Assert.Contains(key, Assert.Throws<NotSupportedException>(() => GgufExport.Write(model, At("m.gguf"), BlockFormats.F32)).Message, StringComparison.Ordinal);
            return;
        }
        GgufExport.Write(model, At("m.gguf"), BlockFormats.F32);
        using var file = LanguageModel.Load(At("m.gguf"), new LoadOptions { Threads = 1 });
        Close.Assert(Logits(model), Logits(file), 1e-4, "gguf");
        HuggingFaceExport.Write(file, At("back"), ElementType.F32);
        Reloaded(model, "back", 1e-4, packed: false);
    }

    /// <summary>The key that GGUF has no form for.</summary>
    private static string? Refused(ModelConfig config) =>
        config.RopeFormula is { Type: RopeFormula.Dynamic } ? "rope_scaling"
        : config.Architecture.StartsWith("gemma", StringComparison.Ordinal) && Math.Abs(config.AttentionScale * config.AttentionScale * config.HeadDim - 1) > 1e-5f ? "query_pre_attn_scalar"
        : null;

    private void Reloaded(LanguageModel model, string folder, double tolerance, bool packed = true)
    {
        using var copy = LanguageModel.Load(At(folder), new LoadOptions { Threads = 1 });
        Assert.Equal(packed ? Codes(model) : null, Codes(copy));
        Assert.Equal(copy.CodesSha256(), FileInspector.Inspect(At(folder)).CodesSha256);
        Close.Assert(Logits(model), Logits(copy), tolerance, folder);
    }

    /// <summary>Of the linears alone: some packings hold no others.</summary>
    private static string? Codes(LanguageModel model) =>
        CodeHash.Of(model.Decoder.Linears.Where(l => l.Codes is not null).Select(l => CodeMatrix.Of(l.Name, l.Codes!)));

    private static void Tune(LanguageModel model)
    {
        foreach (var linear in model.Decoder.Linears.ToList())
        {
            var scales = model.Decoder.Tune(linear);
            var factor = 1 + 0.01f * (linear.Name.Length % 7);
            foreach (ref var scale in scales.Scale.Span)
                scale *= factor;
            foreach (ref var offset in scales.Offset.Span)
                offset *= factor;
        }
    }

    private static float[] Logits(LanguageModel model)
    {
        var logits = new float[Ids.Length * model.Config.VocabularySize];
        model.Decoder.Logits(model.Compute, new TokenBatch(Ids, [0, Ids.Length], [.. Ids.Select(_ => TokenBatch.NoTarget)]), logits);
        return logits;
    }

    private static TheoryData<string> Names(IEnumerable<string> paths) => [.. paths.Select(SharedFiles.NameOf)];

    private string At(string name) => Path.Combine(_folder, name);
}
