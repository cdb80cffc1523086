using Vernier.Adapters;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Models;

/// <summary>Whole GPTQ and AWQ checkpoints, those with reordered groups among them: the file's codes, and the logits of the dequantized weights.</summary>
public sealed class QuantizedFolderModelTests : TemporaryFolderTests
{
    private const string Formats = "goldens/formats";

    /// <summary>Every folder below the formats that holds a whole model.</summary>
    public static TheoryData<string> Models =>
    [
        .. SharedFiles.Folders(Formats).SelectMany(Directory.EnumerateDirectories).Select(kind => Path.GetFileName(kind)).Distinct().Order(StringComparer.Ordinal)
            .SelectMany(kind => SharedFiles.SubFolders($"{Formats}/{kind}")).Where(f => File.Exists(Path.Combine(f, "expected.safetensors"))).Select(SharedFiles.NameOf),
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void LogitsAreThoseOfTheReference(string name)
    {
        using var model = Load(name);
        Assert.All(model.Decoder.Linears, l => Assert.IsType<PackedMatrix>(l.Weight));
        using var expected = SafetensorsFile.Open(Path.Combine(At(name), "expected.safetensors"));
        var ids = expected.ReadIntegers<int>("input_ids");
        var logits = new float[ids.Length * model.Config.VocabularySize];
        model.Decoder.Logits(model.Compute, new TokenBatch(ids, [0, ids.Length], [.. ids.Select(_ => TokenBatch.NoTarget)]), logits);
        Close.Assert(expected.ReadSingles("logits"), logits, 1e-4, "logits");
        Assert.NotNull(model.CodesSha256());
        Assert.Equal(model.CodesSha256(), FileInspector.Inspect(At(name)).CodesSha256);
    }

    /// <summary>Whole prompts, some tokens at once, and token after token: the products are those of rounded activations, whatever the order of the groups.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void IntegersAreTheProductsOfRoundedActivations(string name)
    {
        using var full = Load(name);
        using var rounded = Load(name);
        rounded.Decoder.ReplaceLinears(l => new RoundedLinear(l));
        using var integer = LanguageModel.Load(At(name), new LoadOptions { Threads = 2, Mode = ComputeMode.Int8 });
        Assert.All(integer.Decoder.Linears, l => Assert.True(Int8Gemm.Supports((PackedMatrix)l.Weight)));
        var comparisons = new List<(float[], float[], string)>();
        for (var sequence = 0; sequence < 8; sequence++) // short ones: a code that flips is seen by all later tokens
        {
            var ids = Enumerable.Range(0, 6).Select(i => 3 + (7 + 2 * sequence) * i % 200).ToArray();
            foreach (var piece in (int[])[6, 3, 1])
                comparisons.Add((Logits(rounded, ids, piece), Logits(integer, ids, piece), $"logits of {piece} at once, sequence {sequence}"));
            Assert.NotEqual(Logits(full, ids, 6), Logits(integer, ids, 6));
        }
        Close.AssertButForFlippedCodes(comparisons);
    }

    /// <summary>One token a sequence, each with its own task or none, in both arithmetics.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void TasksSwitchAndShareBatchesInIntegers(string name)
    {
        Granularity[] granularities = [Granularity.Channel, Granularity.Separable, Granularity.Group, Granularity.LowRank];
        using var model = LanguageModel.Load(At(name), new LoadOptions { Threads = 2, Mode = ComputeMode.Int8 });
        using var tasks = new TaskSwitch(model);
        int[] ids = [3, 4, 5, 6, 7, 8];
        var before = Logits(model, ids, 1);
        var alone = new float[granularities.Length][];
        var comparisons = new List<(float[], float[], string)>();
        foreach (var (i, granularity) in granularities.Index())
        {
            tasks.Add($"{granularity}", Tuned(name, granularity));
            tasks.Activate($"{granularity}");
            using var merged = Load(name);
            var adapter = Tuned(name, granularity);
            adapter.ApplyTo(merged);
            adapter.Merge(merged);
            merged.Decoder.ReplaceLinears(l => new RoundedLinear(l));
            comparisons.Add((Logits(merged, ids, 6), alone[i] = Logits(model, ids, 6), $"{granularity}"));
            Assert.NotEqual(before, Logits(model, ids, 1));
            tasks.Activate(null);
            Assert.Equal(before, Logits(model, ids, 1));
        }
        var vocabulary = model.Config.VocabularySize;
        var caches = granularities.Select(_ => new KvCache(model.Config, 8, half: true)).ToArray();
        var together = new float[granularities.Length * vocabulary];
        foreach (var id in ids)
            model.Decoder.ForwardBatch(model.Compute, [.. granularities.Select(_ => id)], caches, [.. granularities.Select(g => tasks.Scales($"{g}"))], together);
        for (var s = 0; s < alone.Length; s++)
            comparisons.Add((alone[s], together[(s * vocabulary)..((s + 1) * vocabulary)], $"batch, {granularities[s]}"));
        Close.AssertButForFlippedCodes(comparisons);
        foreach (var cache in caches)
            cache.Dispose();
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void EveryGranularityTunesScalesAlone(string name)
    {
        foreach (var granularity in Enum.GetValues<Granularity>())
            foreach (var train in (TrainedState[])[TrainedState.Scales, TrainedState.Zeros])
            {
                using var model = Load(name);
                var hash = model.CodesSha256();
                var data = Vernier.Data.TrainingData.FromSequences([.. Enumerable.Range(0, 4).Select(r => Enumerable.Range(0, 16).Select(t => 3 + t * (r + 1) % 20).ToArray())], "rows", model.Config);
                var options = new TuneOptions { Steps = 4, Context = 16, Batch = 2, Granularity = granularity, Train = train, Shuffle = false };
                var result = new Tuner(model, options, data, null, Temporary.At($"{granularity}-{train}")).Run();
                Assert.True(result.CodesEqual);
                Assert.Equal(hash, model.CodesSha256());
                using var before = Load(name);
                var comparison = CodeComparison.Of(before, model);
                Assert.True(comparison.CodesEqual == true);
                Assert.True(comparison.ScalesChanged > 0);
            }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void DamageNamesTheTensor(string name)
    {
        using (var source = HfFolder.Open(At(name)))
            foreach (var tensor in source.Tensors.Where(t => t.Name.StartsWith("model.layers.1.mlp.down_proj.", StringComparison.Ordinal)))
            {
                Rewrite(name, (t, bytes) => t.Name == tensor.Name ? null : bytes); // missing
                if (tensor.Name.EndsWith(".g_idx", StringComparison.Ordinal))
                    continue; // without it, groups are in order
                Assert.Contains(tensor.Name, Assert.Throws<InvalidDataException>(() => LanguageModel.Load(Temporary.Path).Dispose()).Message, StringComparison.Ordinal);
            }
        Rewrite(name, (t, bytes) => t.Name == "model.layers.0.mlp.up_proj.scales" ? [0, 0x7C, .. bytes[2..]] : bytes); // fp16 infinity
        var refusal = Assert.Throws<InvalidDataException>(() => LanguageModel.Load(Temporary.Path).Dispose()).Message;
        Assert.Contains("model.layers.0.mlp.up_proj.scales", refusal, StringComparison.Ordinal);
        Assert.Contains("not finite", refusal, StringComparison.Ordinal);
    }

    private void Rewrite(string name, Func<HfTensor, byte[], byte[]?> change)
    {
        using var source = HfFolder.Open(At(name));
        File.Copy(Path.Combine(At(name), "config.json"), Temporary.At("config.json"), overwrite: true);
        var kept = new List<(SafetensorsPlan Plan, byte[] Bytes)>();
        foreach (var tensor in source.Tensors)
        {
            var bytes = new byte[tensor.ByteLength];
            tensor.ReadElements(0, bytes);
            if (change(tensor, bytes) is { } changed)
                kept.Add((new SafetensorsPlan(tensor.Name, tensor.Type, tensor.Shape), changed));
        }
        using var writer = SafetensorsWriter.Create(Temporary.At("model.safetensors"), [.. kept.Select(k => k.Plan)]);
        foreach (var (_, bytes) in kept)
            writer.Write(bytes);
        writer.Commit();
    }

    private static Adapter Tuned(string name, Granularity granularity)
    {
        using var model = Load(name);
        var options = new TuneOptions { Method = "peqa", Granularity = granularity, Rank = 2 };
        var codes = model.CodesSha256();
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Apply(model.Decoder, options, model.Compute);
        var random = new Random(1);
        foreach (var parameter in model.Decoder.Linears.SelectMany(l => l.Parameters))
            foreach (ref var value in parameter.Value.Span)
                value += 0.1f * (random.NextSingle() - 0.5f);
        return Adapter.Of(TuningMethods.Of(new TuneOptions { Method = "peqa" }), model.Decoder, options, name, codes, codes);
    }

    // After the last token, fed so many at once.
    private static float[] Logits(LanguageModel model, int[] ids, int piece)
    {
        using var cache = new KvCache(model.Config, ids.Length, half: true);
        var logits = new float[model.Config.VocabularySize];
        foreach (var part in ids.Chunk(piece))
            model.Decoder.Forward(model.Compute, part, cache, logits);
        return logits;
    }

    private static string At(string name) => SharedFiles.At(name);

    private static LanguageModel Load(string name) => LanguageModel.Load(At(name), new LoadOptions { Threads = 1 });
}
