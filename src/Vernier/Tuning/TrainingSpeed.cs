using System.Diagnostics;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>How fast this machine does what tuning mostly does: products of activations with a weight like the model's, forward and backward.</summary>
internal static class TrainingSpeed
{
    private const int MostFeatures = 4096;
    private const int MostTokens = 512;
    private const int Rounds = 4;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(1);

    /// <summary>10^9 operations a second, the best of a few rounds that take about a second together.</summary>
    /// <param name="model">Its widest layer is measured, cut to 4096 inputs and outputs.</param>
    /// <param name="options">Bits and group where the run quantizes; tokens of a micro-batch.</param>
    /// <param name="threads">Workers; 0 = one for each processor.</param>
    public static double Gigaflops(ModelOutline model, TuneOptions options, int threads, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        var widest = model.Linears.MaxBy(l => l.Weights)!;
        var (rows, columns) = (Math.Min(MostFeatures, widest.Out), Math.Min(MostFeatures, widest.In));
        var tokens = (int)Math.Min(MostTokens, options.Batch * Math.Min(options.Context, (long)model.Config.ContextLength));
        using var weight = Like(widest, options, rows, columns);
        using var pool = new WorkerPool(threads);
        using var x = new NativeBuffer<float>((long)tokens * columns);
        using var y = new NativeBuffer<float>((long)tokens * rows);
        x.Span.Fill(0.5f);
        y.Span.Clear();
        var best = double.MaxValue;
        var begun = Stopwatch.GetTimestamp();
        for (var round = 0; round <= Rounds; round++) // the first warms up
        {
            stop.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            Gemm.Forward(pool, x.Span, tokens, weight, y.Span);
            Gemm.BackwardInput(pool, y.Span, tokens, weight, x.Span);
            best = round == 0 ? best : Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            if (round > 0 && Stopwatch.GetElapsedTime(begun) > Enough)
                break;
        }
        return 4.0 * tokens * rows * columns / best / 1e9;
    }

    /// <summary>Necessary floating-point operations of a PEQA step per token: forward and input gradient of the block linears and of the head,
    /// attention forward and backward over half of the square.</summary>
    internal static double StepFlopsPerToken(ModelConfig config, int context)
    {
        double query = config.Heads * config.HeadDim;
        var blocks = LinearShape.Of(config).Sum(l => l.Weights * l.TokenShare);
        var head = (double)config.HiddenSize * config.VocabularySize;
        var attention = 7 * query * context / 2;
        return 4 * (blocks + head) + 2 * config.Layers * attention;
    }

    private static WeightMatrix Like(LinearShape layer, TuneOptions options, int rows, int columns)
    {
        var (bits, group) = options.Bits is { } asked ? (asked, options.Group) : (layer.Bits ?? 0, layer.Group);
        if (bits == 0)
            return new HalfMatrix(rows, columns, HalfFormat.Bf16); // zeros compute as fast as any other numbers
        var packed = new PackedMatrix(rows, columns, bits, group == 0 ? 0 : Math.Min(group, columns));
        packed.TunedScales.Scale.Span.Fill(1e-3f);
        return packed;
    }
}
