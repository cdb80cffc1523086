using System.Diagnostics;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Benchmark;

/// <summary>What tasks of PEQA cost at inference: a task in use, tasks side by side in a batch, and the switch. What is compared runs in turns.</summary>
internal static class TaskBenchmark
{
    private const int Sequences = 16;
    private const int Tasks = 8;
    private const int Prompt = 16;
    private const int Tokens = 8;

    // A ratio within a few percent needs more turns than a speed.
    private const int TurnsEach = 5;

    /// <summary>Decoding with a task per channel in use over decoding without, tokens a second.</summary>
    public static double ActiveRatio(LanguageModel model, int seed, int repetitions, Func<double> decode)
    {
        using var scales = new ScaleSet(model.Decoder, new Random(seed));
        return MedianRatio(repetitions, decode, () =>
        {
            scales.Swap();
            var with = decode();
            scales.Swap();
            return with;
        }, out _);
    }

    /// <summary>Milliseconds that handing every weight another set of scales takes.</summary>
    public static double SwitchMilliseconds(LanguageModel model, int seed)
    {
        using var scales = new ScaleSet(model.Decoder, new Random(seed));
        var best = double.MaxValue;
        for (var i = 0; i < 20; i++)
        {
            var start = Stopwatch.GetTimestamp();
            scales.Swap();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return best;
    }

    /// <summary>A batch of 16 sequences with 8 separable tasks over the same batch with one, tokens a second.</summary>
    /// <param name="oneTask">Tokens a second of the batch with one task, the best.</param>
    public static double BatchRatio(LanguageModel model, int seed, int repetitions, out double oneTask)
    {
        var random = new Random(seed);
        var tasks = Enumerable.Range(0, Tasks).Select(_ => Separable(model.Decoder, random)).ToArray();
        TaskScales?[] one = [.. Enumerable.Repeat(tasks[0], Sequences)];
        TaskScales?[] all = [.. Enumerable.Range(0, Sequences).Select(s => tasks[s % Tasks])];
        var caches = Enumerable.Range(0, Sequences).Select(_ => new KvCache(model.Config, Prompt + Tokens, model.Compute.Mode == ComputeMode.Int8)).ToArray();
        var ids = Enumerable.Range(0, Sequences).ToArray();
        var logits = new float[Sequences * model.Config.VocabularySize];
        foreach (var cache in caches)
            model.Decoder.Forward(model.Compute, ids, cache, default);
        var ratio = MedianRatio(repetitions, () => Run(one), () => Run(all), out oneTask);
        foreach (var cache in caches)
            cache.Dispose();
        return ratio;

        double Run(TaskScales?[] chosen)
        {
            var start = Stopwatch.GetTimestamp();
            for (var t = 0; t < Tokens; t++)
                model.Decoder.ForwardBatch(model.Compute, ids, caches, chosen, logits);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            foreach (var cache in caches)
                cache.Truncate(Prompt);
            return Tokens * Sequences / seconds;
        }
    }

    /// <summary>The median of the ratios of neighbouring turns: what else the machine does meets both.</summary>
    /// <param name="best">The best of the first.</param>
    private static double MedianRatio(int repetitions, Func<double> first, Func<double> second, out double best)
    {
        var ratios = new double[repetitions * TurnsEach];
        best = 0;
        for (var i = -1; i < ratios.Length; i++)
        {
            // who begins changes from turn to turn
            var early = i % 2 == 0 ? first() : 0;
            var other = second();
            var one = i % 2 == 0 ? early : first();
            best = Math.Max(best, one);
            if (i >= 0) // the first turn warms up
                ratios[i] = other / one;
        }
        Array.Sort(ratios);
        return (ratios[(ratios.Length - 1) / 2] + ratios[ratios.Length / 2]) / 2;
    }

    private static IEnumerable<PackedMatrix> Weights(Decoder decoder) => decoder.Linears.Select(l => l.Weight).OfType<PackedMatrix>();

    private static TaskScales Separable(Decoder decoder, Random random)
    {
        var task = new TaskScales();
        foreach (var weight in Weights(decoder))
            task.Add(weight, weight.Scales, Factors(weight.Rows), Factors(weight.Groups), hasFactors: true);
        return task;

        float[] Factors(int count)
        {
            var factors = new float[count];
            for (var i = 0; i < count; i++)
                factors[i] = 0.95f + 0.1f * random.NextSingle();
            return factors;
        }
    }

    /// <summary>A second set of scales for all weights, as a task per channel has them.</summary>
    private sealed class ScaleSet : IDisposable
    {
        private readonly PackedMatrix[] _weights;
        private readonly GroupScales[] _other;

        public ScaleSet(Decoder decoder, Random random)
        {
            _weights = [.. Weights(decoder)];
            _other = [.. _weights.Select(w => w.Scales.Clone())];
            foreach (var scales in _other)
            {
                float[] row = [.. Enumerable.Range(0, scales.Rows).Select(_ => 0.95f + 0.1f * random.NextSingle())];
                if (scales.Factor(row, []))
                    continue;
                var scale = scales.Scale.Span;
                var offset = scales.Offset.Span;
                for (var i = 0; i < scale.Length; i++)
                    (scale[i], offset[i]) = (scale[i] * row[i / scales.Groups], offset[i] * row[i / scales.Groups]);
            }
        }

        public void Swap()
        {
            for (var i = 0; i < _weights.Length; i++)
                (_weights[i].Scales, _other[i]) = (_other[i], _weights[i].Scales);
        }

        public void Dispose()
        {
            foreach (var scales in _other)
                scales.Dispose();
        }
    }
}
