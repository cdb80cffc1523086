using System.Text.RegularExpressions;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Tests.Models;

public class IntegerInferenceTests
{
    [Theory]
    [InlineData(4, 32, 1)]
    [InlineData(4, 64, 2)]
    [InlineData(8, 32, 3)]
    [InlineData(3, 0, 19)]
    [InlineData(4, 32, 1, true)]
    [InlineData(4, 32, 2, true)]
    [InlineData(3, 32, 19, true)]
    public void Products_are_those_of_rounded_activations(int bits, int group, int piece, bool shuffled = false)
    {
        using var integer = new Compute(2, ComputeMode.Int8);
        using var decoder = Create(bits, group, shuffled);
        // A value half-way between two codes may round either way; that is rare, but every later token of its sequence sees it. So many short ones.
        var sequences = Enumerable.Range(0, 16).Select(seed => TinyModel.Ids(decoder.Config, Math.Max(6, piece), seed)).ToArray();
        var found = sequences.SelectMany(ids => Run(decoder, integer, ids, piece)).ToArray();
        decoder.ReplaceLinears(l => new RoundedLinear(l));
        var expected = sequences.SelectMany(ids => Run(decoder, integer, ids, piece)).ToArray();
        Close.Assert(expected, found, 0.02, "logits"); // 0.005 where a code flips
        Assert.True(expected.Where((e, i) => Math.Abs(e - found[i]) > 1e-4).Count() < expected.Length / 4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Logits_stay_near_those_of_full_precision(bool shuffled)
    {
        using var full = new Compute(2);
        using var integer = new Compute(2, ComputeMode.Int8);
        using var decoder = Create(4, 32, shuffled);
        var ids = TinyModel.Ids(decoder.Config, 38, 3);
        var (expected, found) = (Run(decoder, full, ids, 38), Run(decoder, integer, ids, 38));
        Assert.NotEqual(expected, found);
        Close.Assert(expected, found, 0.02, "logits");
    }

    [Fact]
    public void A_cache_of_halves_changes_little()
    {
        using var compute = new Compute(2);
        using var decoder = Create(4, 32);
        var ids = TinyModel.Ids(decoder.Config, 300, 3);
        using var full = new KvCache(decoder.Config, 300);
        using var half = new KvCache(decoder.Config, 300, half: true);
        var (expected, found) = (new float[decoder.Config.VocabularySize], new float[decoder.Config.VocabularySize]);
        foreach (var (first, last) in new[] { (0, 200), (200, 201), (201, 203), (203, 300) })
        {
            decoder.Forward(compute, ids.AsSpan(first, last - first), full, expected);
            decoder.Forward(compute, ids.AsSpan(first, last - first), half, found);
            Close.Assert(expected, found, 5e-3, $"logits of {last}");
        }
        Assert.Equal(full.Bytes / 2, half.Bytes);
    }

    [Fact]
    public void Same_threads_same_bits()
    {
        using var decoder = Create(4, 32);
        var ids = TinyModel.Ids(decoder.Config, 38, 3);
        foreach (var threads in new[] { 1, 2 })
        {
            using var compute = new Compute(threads, ComputeMode.Int8);
            Assert.Equal(Run(decoder, compute, ids, 1), Run(decoder, compute, ids, 1));
            Assert.Equal(Run(decoder, compute, ids, 19), Run(decoder, compute, ids, 19));
        }
    }

    [Theory]
    [InlineData(ComputeMode.Fp32)]
    [InlineData(ComputeMode.Int8)]
    [InlineData(ComputeMode.Int8, true)]
    public void A_token_step_allocates_nothing(ComputeMode mode, bool shuffled = false)
    {
        using var compute = new Compute(1, mode);
        using var decoder = Create(4, 32, shuffled);
        using var cache = new KvCache(decoder.Config, 64, mode == ComputeMode.Int8);
        var logits = new float[decoder.Config.VocabularySize];
        int[] ids = [5];
        for (var i = 0; i < 40; i++)
            decoder.Forward(compute, ids, cache, logits);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
            decoder.Forward(compute, ids, cache, logits);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(ComputeMode.Fp32, 3, true)]
    [InlineData(ComputeMode.Int8, 3, false)]
    [InlineData(ComputeMode.Int8, 16, false)]
    [InlineData(ComputeMode.Int8, 4, true)]
    [InlineData(ComputeMode.Int8, 16, true)]
    [InlineData(ComputeMode.Int8, 16, true, "q_proj|gate_proj")] // what was rounded for the whole batch is rounded anew for the layers beside
    [InlineData(ComputeMode.Int8, 3, false, ".", true)]
    [InlineData(ComputeMode.Int8, 16, false, ".", true)]
    [InlineData(ComputeMode.Int8, 16, true, ".", true)]
    [InlineData(ComputeMode.Int8, 16, true, "q_proj|gate_proj", true)]
    public void A_batch_computes_what_its_sequences_do_alone(ComputeMode mode, int sequences, bool grouped, string groupedLayers = ".", bool shuffled = false)
    {
        using var compute = new Compute(2, mode);
        using var decoder = Create(4, 32, shuffled);
        var some = Enumerable.Range(0, 8).Select(t => (t % 4) switch { 0 => null, 3 when grouped => Grouped(decoder, t, groupedLayers), _ => Separable(decoder, t) }).ToArray();
        var tasks = Enumerable.Range(0, sequences).Select(s => some[s % 8]).ToArray(); // no neighbours have the same
        var caches = Enumerable.Range(0, sequences).Select(_ => new KvCache(decoder.Config, 32)).ToArray();
        var (vocabulary, prompt) = (decoder.Config.VocabularySize, new float[decoder.Config.VocabularySize]);
        for (var s = 0; s < sequences; s++)
            decoder.Forward(compute, TinyModel.Ids(decoder.Config, 3 + s, s), caches[s], prompt);
        var logits = new float[sequences * vocabulary];
        var ids = new int[sequences];
        for (var step = 0; step < 2; step++)
        {
            for (var s = 0; s < sequences; s++)
                ids[s] = (s + 7 * step) % vocabulary;
            var alone = new float[sequences][];
            for (var s = 0; s < sequences; s++)
            {
                var length = caches[s].Length;
                alone[s] = new float[vocabulary];
                With(decoder, tasks[s], () => decoder.Forward(compute, [ids[s]], caches[s], alone[s]));
                caches[s].Truncate(length);
            }
            decoder.ForwardBatch(compute, ids, caches, tasks, logits);
            for (var s = 0; s < sequences; s++)
                Close.Assert(alone[s], logits.AsSpan(s * vocabulary, vocabulary), 1e-3, $"step {step}, sequence {s}");
        }
        Assert.Throws<ArgumentException>(() => decoder.ForwardBatch(compute, [1, 2], [caches[0], caches[0]], [], logits.AsSpan(0, 2 * vocabulary)));
        foreach (var cache in caches)
            cache.Dispose();
    }

    private static Decoder Create(int bits, int group, bool shuffled = false)
    {
        var config = TinyModel.Config() with { HiddenSize = 64, HeadDim = 16, RotaryDim = 16, FeedForwardSize = 160 };
        var decoder = new Decoder(config, new RandomWeights(config, 1));
        decoder.ReplaceLinears(l =>
        {
            var packed = RoundToNearest.Quantize(l.Weight, bits, group);
            if (shuffled)
                packed = Shuffled(packed, l.Name);
            return new FrozenLinear(l.Name, Scaled(packed, (_, _) => 10), l.Bias); // so that attention is not flat
        });
        return decoder;
    }

    private static float[] Run(Decoder decoder, Compute compute, int[] ids, int piece)
    {
        var vocabulary = decoder.Config.VocabularySize;
        using var cache = new KvCache(decoder.Config, ids.Length);
        var logits = new float[(ids.Length / piece) * vocabulary];
        for (var i = 0; i < ids.Length / piece; i++)
            decoder.Forward(compute, ids.AsSpan(i * piece, piece), cache, logits.AsSpan(i * vocabulary, vocabulary));
        return logits;
    }

    private static TaskScales Separable(Decoder decoder, int seed)
    {
        var (random, task) = (new Random(seed), new TaskScales());
        foreach (var weight in decoder.Linears.Select(l => (PackedMatrix)l.Weight))
        {
            var (row, column) = (Factors(random, weight.Rows), Factors(random, weight.Groups));
            task.Add(weight, Scaled(weight, (r, g) => row[r] * column[g]), row, column, true);
        }
        return task;
    }

    // Groups of any columns; the same ones for layers that read one input, but for the values of the first block.
    private static PackedMatrix Shuffled(PackedMatrix packed, string name)
    {
        var index = Enumerable.Range(0, packed.Columns).Select(c => c / packed.GroupSize).ToArray();
        new Random(name.EndsWith("layers.0.self_attn.v_proj", StringComparison.Ordinal) ? 1 : name[..name.LastIndexOf('.')].Sum(c => c)).Shuffle(index);
        var shuffled = new PackedMatrix(packed.Rows, packed.Columns, packed.Bits, packed.GroupSize, groupIndex: index).WithScales(new TunedScales(packed.Scales));
        var codes = new byte[packed.Columns];
        for (var row = 0; row < packed.Rows; row++)
        {
            packed.ReadCodes(row, 0, codes);
            shuffled.SetRowCodes(row, codes);
        }
        Assert.True(Int8Gemm.Supports(shuffled));
        return shuffled;
    }

    private static TaskScales Grouped(Decoder decoder, int seed, string layers)
    {
        var (random, task) = (new Random(seed), new TaskScales());
        foreach (var weight in decoder.Linears.Where(l => Regex.IsMatch(l.Name, layers)).Select(l => (PackedMatrix)l.Weight))
            task.Add(weight, Scaled(weight, (_, _) => 0.8f + 0.4f * random.NextSingle()), null, null, false);
        return task;
    }

    private static float[] Factors(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => 0.8f + 0.4f * random.NextSingle())];

    private static PackedMatrix Scaled(PackedMatrix weight, Func<int, int, float> factor)
    {
        var scales = new TunedScales(weight.Scales);
        for (var r = 0; r < weight.Rows; r++)
            for (var g = 0; g < weight.Groups; g++)
            {
                var f = factor(r, g);
                scales.Scale.Span[r * weight.Groups + g] *= f;
                scales.Offset.Span[r * weight.Groups + g] *= f;
            }
        return weight.WithScales(scales);
    }

    private static void With(Decoder decoder, TaskScales? task, Action run)
    {
        Linear[] before = [.. decoder.Linears];
        decoder.UseLinears([.. before.Select(l => task?.Of((PackedMatrix)l.Weight) is { } entry ? new FrozenLinear(l.Name, entry.Weight, l.Bias) : l)]);
        run();
        decoder.UseLinears(before);
    }
}
