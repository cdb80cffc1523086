using Vernier.Kernels;
using Vernier.Methods.Peqa;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Bench;

/// <summary>Where the time of one PEQA step of 2 x 512 tokens goes: the step itself, and each of its operations alone at the model's shapes.
/// What the operations do not account for is the last line. Fractions are of the fp32 peak of the same run.</summary>
internal static class StepTable
{
    private const int Tokens = TuningStep.Tokens;

    public static void Print(string path, int threads, Granularity granularity, bool keep, ComputeMode mode)
    {
        using var step = new TuningStep(path, threads, granularity, keep, mode);
        var (compute, decoder, config) = (step.Model.Compute, step.Model.Decoder, step.Model.Config);
        var seconds = Measure.Seconds(compute.Pool, step.Run);
        var peak = MachinePeaks.Fp32Gflops(compute.Pool);
        var necessary = TrainingSpeed.StepFlopsPerToken(config, TuningStep.Length) * Tokens / 1e9;
        if (granularity == Granularity.Group)
            necessary += 2.0 * Tokens * decoder.Linears.Sum(l => (double)l.InFeatures * l.OutFeatures) / 1e9;
        Console.WriteLine($"{InstructionTiers.Best}, {threads} threads, peak {peak:F0} GFLOP/s; PEQA {granularity}, {mode}, activations {(keep ? "kept" : "recomputed")}");
        Console.WriteLine($"step {seconds:F2} s, {Tokens / seconds:F0} tokens/s, {necessary:F0} GFLOP necessary: {necessary / seconds / peak:F3} of the peak; resident {ResidentMemory.Current / 1e6:F0} MB, peak {ResidentMemory.Peak / 1e6:F0} MB");
        Console.WriteLine($"{"operation",-24}{"s",9}{"of step",9}{"of peak",9}");
        var rest = seconds;
        foreach (var (name, gflop, took) in Operations(step, granularity))
        {
            var inStep = keep && name == "recomputation" ? 0 : took;
            rest -= inStep;
            Console.WriteLine($"{name,-24}{took,9:F3}{inStep / seconds,9:P1}{(gflop > 0 ? $"{gflop / took / peak,9:F2}" : "")}");
        }
        Console.WriteLine($"{"the rest",-24}{rest,9:F3}{rest / seconds,9:P1}");
    }

    /// <summary>Each operation of a step: GFLOP (0 = not counted) and seconds, for all layers together.</summary>
    private static IEnumerable<(string Name, double Gflop, double Seconds)> Operations(TuningStep step, Granularity granularity)
    {
        var (decoder, compute, batch) = (step.Model.Decoder, step.Model.Compute, step.Batch);
        var (config, pool) = (decoder.Config, compute.Pool);
        var block = decoder.Linears.Take(decoder.Linears.Count / config.Layers).ToList();
        var gflop = 2.0 * Tokens * decoder.Linears.Sum(l => (double)l.InFeatures * l.OutFeatures) / 1e9;
        var (layers, hidden, wide) = (config.Layers, config.HiddenSize, config.FeedForwardSize);
        double Layers(Action run) => layers * Measure.Seconds(pool, run);
        var (x, y) = (Measure.Values(Tokens * Math.Max(wide, hidden), 1), Measure.Values(Tokens * Math.Max(wide, hidden), 2));
        var z = new float[x.Length];
        compute.Training = true;
        var layout = new TokenLayout();
        layout.Set(batch, inference: false);
        var forward = Layers(() => block.ForEach(l => Projections.Forward(compute, layout, x, l, y)));
        yield return ("forward products", gflop, forward);
        yield return ("backward products", gflop, Layers(() => block.ForEach(l => Projections.BackwardInput(compute, y, Tokens, l.Weight, z))));
        compute.Training = false;
        var shape = new AttentionShape(config.Heads, config.KvHeads, config.HeadDim, config.AttentionScale, 0);
        var (q, k, log) = (Tokens * shape.QueryChannels, Tokens * shape.KeyChannels, new float[Tokens * config.Heads]);
        var pairs = (double)Tokens * TuningStep.Length / 2 * shape.QueryChannels / 1e9;
        int[] starts = [0, TuningStep.Length, Tokens];
        var attention = Layers(() => Attention.Forward(pool, x.AsSpan(0, q), y.AsSpan(0, k), x.AsSpan(0, k), starts, shape, z.AsSpan(0, q), log));
        var (dq, dk, dv) = (new float[q], new float[k], new float[k]);
        yield return ("attention forward", layers * 4 * pairs, attention);
        yield return ("attention backward", layers * 10 * pairs, Layers(() => Attention.Backward(pool, x.AsSpan(0, q), y.AsSpan(0, k), x.AsSpan(0, k), z.AsSpan(0, q), log, y.AsSpan(0, q), starts, shape, dq, dk, dv)));
        yield return ("recomputation", gflop + layers * 4 * pairs, forward + attention);
        if (granularity == Granularity.Group)
        {
            var sink = new PeqaSinks(pool.Threads).Groups;
            yield return ("scale gradients", gflop, Layers(() => block.ForEach(l =>
            {
                sink.Begin((PackedMatrix)l.Weight);
                Gemm.WeightGradient(pool, y, x, Tokens, l.OutFeatures, l.InFeatures, sink);
            })));
        }
        else
        {
            yield return ("scale gradients", 0, Layers(() => block.ForEach(l => ColumnDots.Accumulate(pool, x, y, Tokens, l.OutFeatures, z)))
                + (granularity == Granularity.Channel ? 0 : Layers(() => block.ForEach(l => ColumnDots.AccumulateAndAdd(pool, x, y, Tokens, l.InFeatures, z, dq)))));
        }
        using var loss = new CrossEntropy(hidden, config.VocabularySize);
        yield return ("head and loss", 4.0 * Tokens * hidden * config.VocabularySize / 1e9,
            Measure.Seconds(pool, () => loss.LossAndGradient(pool, x.AsSpan(0, Tokens * hidden), decoder.Head, default, batch.Targets, 1, z.AsSpan(0, Tokens * hidden))));
        var (gate, up) = (x.AsMemory(0, Tokens * wide), y.AsMemory(0, Tokens * wide));
        var (a, b, c) = (x.AsMemory(0, Tokens * hidden), y.AsMemory(0, Tokens * hidden), z.AsMemory(0, Tokens * hidden));
        yield return ("activation", 0, 2 * Layers(() => SwiGlu.Forward(pool, gate.Span, up.Span, z.AsSpan(0, gate.Length)))
            + Layers(() => SwiGlu.Backward(pool, gate.Span, up.Span, up.Span, z.AsSpan(0, gate.Length), up.Span)));
        var weight = Measure.Values(hidden, 3);
        yield return ("norms", 0, 4 * Layers(() => RmsNorm.Forward(pool, a.Span, weight, Tokens, 1e-5f, c.Span))
            + 2 * Layers(() => RmsNorm.Backward(pool, a.Span, weight, b.Span, Tokens, 1e-5f, c.Span, default, true)));
        yield return ("residual sums", 0, 2 * Layers(() => Residual.Add(pool, a.Span, b.Span, c.Span)));
        yield return ("optimizer", 0, Measure.Seconds(pool, step.Update) + Measure.Seconds(pool, step.ClearGradients));
    }
}
