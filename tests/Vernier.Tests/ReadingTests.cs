using System.Security.Cryptography;
using Vernier.Adapters;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Tensors;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

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

    public static TheoryData<string, string, bool> Merges
    {
        get
        {
            var data = new TheoryData<string, string, bool>();
            foreach (var kind in SavedModel.Kinds)
                foreach (var method in (string[])["peqa", "lora", "qa-lora", "l4q"])
                    foreach (var forInference in (bool[])[false, true])
                        data.Add(kind, method, forInference);
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

    /// <summary>Files are inspected without a model; one that has them open keeps what it holds.</summary>
    [Theory]
    [InlineData("gguf", "model.gguf")]
    [InlineData("folder", "model")]
    public void InspectionChangesNothing(string kind, string name)
    {
        using var model = SavedModel.Open(kind, Temporary.Path);
        var path = Temporary.At(name);
        var files = Files();
        Unchanged(model, () => Assert.Equal(model.CodesSha256(), FileInspector.Inspect(path).CodesSha256));
        Assert.Equal(files, Files());

        List<(string, string)> Files() => [.. (Directory.Exists(path) ? Directory.GetFiles(path) : new[] { path }).Order().Select(f => (f, Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))))];
    }

    /// <summary>A merged model is read as any other, and what it was before comes back in the same number of bytes.</summary>
    [Theory]
    [MemberData(nameof(Merges))]
    public void AMergeIsReadAndTakenBack(string kind, string method, bool forInference)
    {
        using var model = SavedModel.Open(kind, Temporary.Path);
        var (held, logits) = (Sizes(model), SavedModel.Logits(model));
        model.Tune(SavedModel.Data(Temporary.Path), new TuneOptions { Method = method, Granularity = Granularity.Group, Rank = 2, Steps = 2, Batch = 2, Context = 32, LearningRate = 0.01f }, Temporary.At("run"));
        model.Reset();
        Assert.Equal(held, Sizes(model));
        var adapter = Adapter.Load(Temporary.At("run"));
        adapter.ApplyTo(model);
        if (forInference)
            adapter.MergeForInference(model);
        else
            adapter.Merge(model);
        Assert.NotEqual(logits, SavedModel.Logits(model));
        Unchanged(model, () => model.CodesSha256());
        Unchanged(model, () => model.Generate("the quick", maxTokens: 3));
        Unchanged(model, () => Perplexity(model));
        Unchanged(model, () => LossyMerge.IsNeeded(model));
        Unchanged(model, () => HuggingFaceExport.Write(model, Temporary.At("hf"), ElementType.F32));
        model.Reset();
        Assert.Equal(held, Sizes(model));
        Assert.Equal(logits, SavedModel.Logits(model));
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

    private static (long Bytes, bool IsHalf)[] Sizes(LanguageModel model) => [.. Held(model).Select(h => (h.Bytes, h.IsHalf))];

    // Memory of each matrix, and where its scales lie and how.
    private static (long Bytes, bool IsHalf, object? Scales)[] Held(LanguageModel model) =>
        [.. model.Decoder.Weights().Where(w => w.Matrix is not null).Select(w => w.Matrix is PackedMatrix packed ? (packed.Bytes, packed.Scales.IsHalf, (object?)packed.Scales.Stored) : (w.Matrix!.Bytes, false, null))];
}
