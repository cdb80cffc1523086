using System.Diagnostics;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Cli.Benchmark;

/// <summary>What tasks of PEQA cost at inference: a task in use, tasks side by side in a batch, and the switch. What is compared runs in turns.</summary>
internal static class TaskBenchmark
{
    private const int Sequences = 16;
    private const int Tasks = 8;
    private const int Prompt = 16;

    // A turn is one token, or one of each sequence: the shorter, the less the machine changes from a turn to the next. A ratio within a few percent needs many.
    private const int TokenRounds = 80;
    private const int BatchRounds = 20;
    private const int WarmUp = 3;

    /// <summary>Decoding with a task in use over decoding without, tokens a second.</summary>
    /// <param name="groups">A task per group; else per channel.</param>
    public static PairedRatio Active(LanguageModel model, bool groups, int seed, int repetitions, CancellationToken stop)
    {
        using var scales = new ScaleSet(model, groups, new Random(seed));
        using var cache = new KvCache(model.Config, Prompt + 1, model.Compute.Mode == ComputeMode.Int8);
        var ids = Enumerable.Range(0, Prompt).ToArray();
        var logits = new float[model.Config.VocabularySize];
        model.Decoder.Forward(model.Compute, ids, cache, default);
        return PairedRatio.Measure(repetitions * TokenRounds, WarmUp, Token, () =>
        {
            scales.Swap();
            var seconds = Token();
            scales.Swap();
            return seconds;
        }, stop);

        double Token()
        {
            var start = Stopwatch.GetTimestamp();
            model.Decoder.Forward(model.Compute, ids.AsSpan(0, 1), cache, logits);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cache.Truncate(Prompt);
            return seconds;
        }
    }

    /// <summary>Milliseconds that looking at every weight with another set of scales takes.</summary>
    public static double SwitchMilliseconds(LanguageModel model, int seed)
    {
        using var scales = new ScaleSet(model, groups: false, new Random(seed));
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
    public static PairedRatio Batch(LanguageModel model, int seed, int repetitions, out double oneTask, CancellationToken stop)
    {
        var random = new Random(seed);
        var tasks = Enumerable.Range(0, Tasks).Select(_ => Separable(model.Decoder, random)).ToArray();
        TaskScales?[] one = [.. Enumerable.Repeat(tasks[0], Sequences)];
        TaskScales?[] all = [.. Enumerable.Range(0, Sequences).Select(s => tasks[s % Tasks])];
        var caches = Enumerable.Range(0, Sequences).Select(_ => new KvCache(model.Config, Prompt + 1, model.Compute.Mode == ComputeMode.Int8)).ToArray();
        var ids = Enumerable.Range(0, Sequences).ToArray();
        var logits = new float[Sequences * model.Config.VocabularySize];
        foreach (var cache in caches)
            model.Decoder.Forward(model.Compute, ids, cache, default);
        var ratio = PairedRatio.Measure(repetitions * BatchRounds, WarmUp, () => Step(one), () => Step(all), stop);
        foreach (var cache in caches)
            cache.Dispose();
        oneTask = Sequences / ratio.FirstSeconds;
        return ratio;

        double Step(TaskScales?[] chosen)
        {
            var start = Stopwatch.GetTimestamp();
            model.Decoder.ForwardBatch(model.Compute, ids, caches, chosen, logits);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            foreach (var cache in caches)
                cache.Truncate(Prompt);
            return seconds;
        }
    }

    private static IEnumerable<PackedMatrix> Weights(Decoder decoder) => decoder.Linears.Select(l => l.Weight).OfType<PackedMatrix>();

    private static TaskScales Separable(Decoder decoder, Random random)
    {
        var task = new TaskScales();
        foreach (var weight in Weights(decoder))
            task.Add(weight, weight, Factors(weight.Rows), Factors(weight.Groups), hasFactors: true);
        return task;

        float[] Factors(int count)
        {
            var factors = new float[count];
            for (var i = 0; i < count; i++)
                factors[i] = Factor(random);
            return factors;
        }
    }

    private static float Factor(Random random) => 0.95f + 0.1f * random.NextSingle();

    /// <summary>A second set of scales for all weights, as a task has them.</summary>
    private sealed class ScaleSet : IDisposable
    {
        private readonly Decoder _decoder;
        private readonly Linear[] _base, _other;
        private bool _isUsed;

        public ScaleSet(LanguageModel model, bool groups, Random random)
        {
            _decoder = model.Decoder;
            _base = [.. _decoder.Linears];
            _other = [.. _base.Select(l => l.Weight is PackedMatrix weight ? new FrozenLinear(l.Name, Scaled(weight, groups, random, model.Compute.Mode), l.Bias) : l)];
        }

        public void Swap()
        {
            _isUsed = !_isUsed;
            _decoder.UseLinears(_isUsed ? _other : _base);
        }

        public void Dispose()
        {
            _decoder.UseLinears(_base);
            foreach (var linear in _other.Except(_base))
                linear.Weight.Dispose();
        }

        private static PackedMatrix Scaled(PackedMatrix weight, bool groups, Random random, ComputeMode mode)
        {
            float[] row = [.. Enumerable.Range(0, weight.Rows).Select(_ => Factor(random))];
            if (!groups && weight.Scales.Stored?.WithFactors(row, []) is { } factored)
                return weight.WithScales(factored);
            var scales = new TunedScales(weight.Scales);
            var scale = scales.Scale.Span;
            var offset = scales.Offset.Span;
            for (var i = 0; i < scale.Length; i++)
            {
                var factor = groups ? Factor(random) : row[i / scales.Groups];
                (scale[i], offset[i]) = (scale[i] * factor, offset[i] * factor);
            }
            var result = weight.WithScales(scales);
            if (mode != ComputeMode.Int8 || result.WithRoundedScales() is not { } rounded)
                return result;
            result.Dispose();
            return rounded;
        }
    }
}
