using System.Diagnostics;
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
                using var packed = Packed(rows, columns);
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
        var (x, y) = (new float[n * weight.Columns], new float[n * weight.Rows]);
        new Random(1).NextSingles(x);
        new Random(2).NextSingles(y);
        var sink = new NullSink();
        var flops = 2.0 * n * weight.Rows * weight.Columns;
        var forward = Fraction(pool, flops, () => Gemm.Forward(pool, x, n, weight, y));
        var backward = Fraction(pool, flops, () => Gemm.BackwardInput(pool, y, n, weight, x));
        new Random(2).NextSingles(y);
        var gradient = Fraction(pool, flops, () => Gemm.WeightGradient(pool, y, x, n, weight.Rows, weight.Columns, sink));
        Console.WriteLine($"{weight.Rows + "x" + weight.Columns,-14}{kind,-8}{forward,16}{backward,16}{gradient,16}");
    }

    // Best of runs for about 0.3 s, the peak measured right before and after: the machine may be shared. One thread is
    // timed by the processor time it took, so that waiting for a core does not count.
    private static string Fraction(WorkerPool pool, double flops, Action run)
    {
        run();
        var (best, before) = (double.MaxValue, MachinePeaks.Fp32Gflops(pool));
        var total = Stopwatch.StartNew();
        for (var i = 0; i < 3 || total.ElapsedMilliseconds < 300; i++)
        {
            var (start, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            run();
            var took = pool.Threads == 1 ? Environment.CpuUsage.TotalTime - used : Stopwatch.GetElapsedTime(start);
            best = Math.Min(best, took.TotalSeconds);
        }
        var peak = Math.Max(before, MachinePeaks.Fp32Gflops(pool));
        var rate = flops / best / 1e9;
        return $"{rate:F0} ({rate / peak:F2})";
    }

    private static PackedMatrix Packed(int rows, int columns)
    {
        var matrix = new PackedMatrix(rows, columns, 4, 32);
        var random = new Random(3);
        var codes = new byte[columns];
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
                codes[c] = (byte)random.Next(16);
            matrix.SetRowCodes(r, codes);
        }
        matrix.Scales.Scale.Span.Fill(0.01f);
        matrix.Scales.Offset.Span.Fill(-0.08f);
        return matrix;
    }

    private static void NextSingles(this Random random, float[] values)
    {
        for (var i = 0; i < values.Length; i++)
            values[i] = random.NextSingle() - 0.5f;
    }

    private sealed class NullSink : IGradientTileSink
    {
        public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
        {
        }
    }
}
