using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Tensors;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests;

/// <summary>To look at a model changes nothing of what it holds: the same bytes, scales in the width in which they were loaded, the same results.</summary>
public sealed class ReadingTests : TemporaryFolderTests
{
    private const string Folder = "goldens/formats/gguf_models";

    public static TheoryData<string, ComputeMode> Cases
    {
        get
        {
            var data = new TheoryData<string, ComputeMode>();
            foreach (var kind in SavedModel.Kinds)
                foreach (var mode in Enum.GetValues<ComputeMode>())
                    data.Add(kind, mode);
            return data;
        }
    }

    public static TheoryData<string> Files => [.. SharedFiles.Match(Folder, "*.gguf").Select(p => Path.GetFileName(p))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void NothingThatReadsChangesWhatIsHeld(string kind, ComputeMode mode)
    {
        using var model = SavedModel.Open(kind, Temporary.Path);
        using var other = SavedModel.Open("memory", Temporary.Path);
        model.Compute.Mode = mode;
        if (kind == "gguf")
            Assert.Contains(true, Held(model).Select(h => h.IsHalf));
        Unchanged(model, () => model.CodesSha256());
        Unchanged(model, () => SavedModel.Logits(model));
        Unchanged(model, () => model.Generate("the quick", maxTokens: 3));
        Unchanged(model, () => Perplexity(model));
        Unchanged(model, () => CodeComparison.Of(model, other));
        Unchanged(model, () => LossyMerge.IsNeeded(model));
        Unchanged(model, () => GgufExport.Write(model, Temporary.At("gguf"), BlockFormats.F16));
        Unchanged(model, () => NativeExport.Write(model, Temporary.At("native")));
        Unchanged(model, () => HuggingFaceExport.Write(model, Temporary.At("hf"), ElementType.F16));
        Unchanged(model, () => PackedExport.Write(model, Temporary.At("mlx"), "mlx"));
        foreach (var format in (string[])["gptq", "awq"])
            if (kind == "gguf") // blocks with a minimum
                Unchanged(model, () => Assert.Throws<NotSupportedException>(() => PackedExport.Write(model, Temporary.At(format), format)));
            else
                Unchanged(model, () => PackedExport.Write(model, Temporary.At(format), format));
    }

    [SharedTheory(Folder)]
    [MemberData(nameof(Files))]
    public void AnExportLeavesEveryBlockFormatAsItWasLoaded(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(Path.Combine(Folder, name)), new LoadOptions { Threads = 1 });
        Unchanged(model, () => GgufExport.Write(model, Temporary.At("out.gguf")));
        Unchanged(model, () => CodeComparison.Of(model, model));
    }

    private static double Perplexity(LanguageModel model)
    {
        using var scorer = new DecoderScorer(model.Decoder, model.Compute);
        return new Perplexity(scorer, model.Tokenizer!, SavedModel.Context).Measure("text", [.. Enumerable.Range(1, 40)], PerplexityConvention.Gptq, 16, null).Perplexity;
    }

    private static void Unchanged(LanguageModel model, Action read)
    {
        var before = (Held(model), SavedModel.Logits(model));
        read();
        Assert.Equal(before.Item1, Held(model));
        Assert.Equal(before.Item2, SavedModel.Logits(model));
    }

    private static void Unchanged<T>(LanguageModel model, Func<T> read) => Unchanged(model, () => { read(); });

    // Memory of each matrix, and where its scales lie and how.
    private static (long Bytes, bool IsHalf, object? Scales)[] Held(LanguageModel model) =>
        [.. model.Decoder.Weights().Where(w => w.Matrix is not null).Select(w => w.Matrix is PackedMatrix packed ? (packed.Bytes, packed.Scales.IsHalf, (object?)packed.Scales.Stored) : (w.Matrix!.Bytes, false, null))];
}
