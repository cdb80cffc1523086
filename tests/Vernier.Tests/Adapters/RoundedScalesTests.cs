using Vernier.Adapters;
using Vernier.Export;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.Tests.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Adapters;

/// <summary>A task per group in integer inference has the fp16 scales that its exported file has.</summary>
public sealed class RoundedScalesTests : TemporaryFolderTests
{
    /// <summary>Files with codes of 4 bits in groups of 32 whose tuned scales can go back into them.</summary>
    public static TheoryData<string> Models => [.. SharedFiles.Match(GgufModels.Folder, "*.gguf").Select(SharedFiles.NameOf).Where(IsServed)];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_task_computes_what_its_exported_file_does(string name)
    {
        var adapter = Tuned(name, Granularity.Group, seed: 1);
        var path = Temporary.At("tuned.gguf");
        using (var exact = Load(name))
        {
            adapter.ApplyTo(exact);
            adapter.Merge(exact);
            GgufExport.Write(exact, path);
        }
        using var exported = LanguageModel.Load(path, new LoadOptions { Threads = 2, Mode = ComputeMode.Int8 });
        using var model = Load(name);
        using var tasks = new TaskSwitch(model);
        var before = Logits(model);
        tasks.Add("group", adapter);
        Assert.Equal(before, Logits(model));
        tasks.Activate("group");
        var rounded = 0;
        foreach (var (found, expected) in Weights(model).Zip(Weights(exported)))
        {
            if (!found.Scales.IsHalf)
                continue;
            rounded++;
            Assert.Equal(expected.Scales.Bytes, found.Scales.Bytes);
            Assert.Equal(Effective(expected), Effective(found));
        }
        Assert.NotEqual(0, rounded);
        Assert.NotEqual(before, Logits(model));
        if (rounded == Weights(model).Count()) // scales of other block formats stay fp32 until they are exported
            Assert.Equal(Logits(exported), Logits(model));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void In_full_precision_a_task_is_not_rounded(string name)
    {
        var adapter = Tuned(name, Granularity.Group, seed: 1);
        using var expected = Load(name, ComputeMode.Fp32);
        adapter.ApplyTo(expected);
        using var model = Load(name, ComputeMode.Fp32);
        using var tasks = new TaskSwitch(model);
        tasks.Add("group", adapter);
        tasks.Activate("group");
        Assert.Equal(Logits(expected), Logits(model));
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_batch_of_tasks_of_all_kinds_computes_what_each_one_does(string name)
    {
        using var model = Load(name);
        using var tasks = new TaskSwitch(model);
        tasks.Add("group", Tuned(name, Granularity.Group, seed: 1));
        tasks.Add("separable", Tuned(name, Granularity.Separable, seed: 2));
        tasks.Add("low-rank", Tuned(name, Granularity.LowRank, seed: 3));
        string?[] names = ["group", null, "separable", "low-rank", "group", "separable"];
        var vocabulary = model.Config.VocabularySize;
        var ids = Enumerable.Range(1, names.Length).ToArray();
        var caches = names.Select(_ => new KvCache(model.Config, 4, half: true)).ToArray();
        var alone = new float[names.Length][];
        for (var s = 0; s < names.Length; s++)
        {
            tasks.Activate(names[s]);
            alone[s] = new float[vocabulary];
            model.Decoder.Forward(model.Compute, ids.AsSpan(s, 1), caches[s], alone[s]);
            caches[s].Truncate(0);
        }
        tasks.Activate(null);
        var together = new float[names.Length * vocabulary];
        model.Decoder.ForwardBatch(model.Compute, ids, caches, [.. names.Select(n => n is null ? null : tasks.Scales(n))], together);
        Close.AssertButForFlippedCodes([.. names.Select((task, s) => (alone[s], together[(s * vocabulary)..((s + 1) * vocabulary)], $"sequence {s}, {task}"))]);
        foreach (var cache in caches)
            cache.Dispose();
    }

    private static bool IsServed(string name)
    {
        using var model = Load(name);
        return model.Source.Tensors.All(t => !t.Format.EndsWith("_K", StringComparison.Ordinal)) && Weights(model).Any(w => w.Scales.IsHalf);
    }

    private static LanguageModel Load(string name, ComputeMode mode = ComputeMode.Int8) =>
        LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 2, Mode = mode });

    private static Adapter Tuned(string name, Granularity granularity, int seed)
    {
        using var model = Load(name, ComputeMode.Fp32);
        var options = new TuneOptions { Method = "peqa", Granularity = granularity, Rank = 2 };
        var codes = model.CodesSha256();
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Apply(model.Decoder, options, model.Compute);
        var random = new Random(seed);
        foreach (var parameter in model.Decoder.Linears.SelectMany(l => l.Parameters))
            foreach (ref var value in parameter.Value.Span)
                value += 0.1f * (random.NextSingle() - 0.5f);
        return Adapter.Of(TuningMethods.Of(new TuneOptions { Method = "peqa" }), model.Decoder, options, name, codes, codes);
    }

    private static IEnumerable<PackedMatrix> Weights(LanguageModel model) => model.Decoder.Linears.Select(l => l.Weight).OfType<PackedMatrix>();

    private static float[] Effective(PackedMatrix weight)
    {
        var values = new float[weight.Rows * weight.Columns];
        weight.ReadTile(0, weight.Rows, 0, weight.Columns, values, weight.Columns);
        return values;
    }

    // One token after another, then some at once.
    private static float[] Logits(LanguageModel model)
    {
        using var cache = new KvCache(model.Config, 16, model.Compute.Mode == ComputeMode.Int8);
        var logits = new float[3 * model.Config.VocabularySize];
        foreach (var (first, last, at) in new[] { (1, 2, 0), (2, 3, 1), (3, 12, 2) })
            model.Decoder.Forward(model.Compute, Enumerable.Range(first, last - first).ToArray(), cache, logits.AsSpan(at * model.Config.VocabularySize, model.Config.VocabularySize));
        return logits;
    }
}
