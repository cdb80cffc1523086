using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>The three products of a linear layer at the shapes of SmolLM2-135M and of a 7B model, in GFLOP/s and as a fraction
/// of the fp32 peak measured between the rows.</summary>
internal static class GemmTable
{
    private static readonly (int Rows, int Columns)[] Shapes =
        [(576, 576), (192, 576), (1536, 576), (576, 1536), (49152, 576), (4096, 4096), (11008, 4096)];

    public static void Print(int tokens, int[] threadCounts)
    {
        Console.WriteLine($"{InstructionTiers.Best}, {tokens} tokens; GFLOP/s (fraction of the fp32 peak)");
        foreach (var threads in threadCounts)
        {
            using var pool = new WorkerPool(threads);
            Console.WriteLine($"threads {threads}, peak {MachinePeaks.Fp32Gflops(pool):F0} GFLOP/s");
            Console.WriteLine($"{"shape",-14}{"weight",-8}{"forward",16}{"backward",16}{"gradient",16}");
            foreach (var (rows, columns) in Shapes)
            {
                using var packed = Measure.Packed(rows, columns, 4, 32);
                Row(pool, "4-bit", packed, tokens);
                if (rows > 11008)
                    continue;
                using var dense = new DenseMatrix(rows, columns);
                Row(pool, "dense", dense, tokens);
            }
        }
    }

    private static void Row(WorkerPool pool, string kind, WeightMatrix weight, int tokens)
    {
        var n = weight.Rows > 11008 ? Math.Min(tokens, 128) : tokens; // the head is always computed in chunks of tokens
        var (x, y) = (Measure.Values(n * weight.Columns, 1), Measure.Values(n * weight.Rows, 2));
        var sink = new NullSink();
        var flops = 2.0 * n * weight.Rows * weight.Columns;
        var forward = Fraction(pool, flops, () => Gemm.Forward(pool, x, n, weight, y));
        var backward = Fraction(pool, flops, () => Gemm.BackwardInput(pool, y, n, weight, x));
        var gradient = Fraction(pool, flops, () => Gemm.WeightGradient(pool, y, x, n, weight.Rows, weight.Columns, sink));
        Console.WriteLine($"{weight.Rows + "x" + weight.Columns,-14}{kind,-8}{forward,16}{backward,16}{gradient,16}");
    }

    // The peak is measured right before and after: the machine may be shared.
    private static string Fraction(WorkerPool pool, double flops, Action run)
    {
        var before = MachinePeaks.Fp32Gflops(pool);
        var rate = flops / Measure.Seconds(pool, run) / 1e9;
        return $"{rate:F0} ({rate / Math.Max(before, MachinePeaks.Fp32Gflops(pool)):F2})";
    }

    private sealed class NullSink : IGradientTileSink
    {
        public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
        {
        }
    }
}
