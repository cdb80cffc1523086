using System.Diagnostics;
using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>Times and operands that the tables share.</summary>
internal static class Measure
{
    /// <summary>Seconds of one run: the best of 0.3 s of runs, since the machine may be shared. One thread is timed by the
    /// processor time it took, so that waiting for a core does not count.</summary>
    public static double Seconds(WorkerPool pool, Action run)
    {
        run();
        var best = double.MaxValue;
        var total = Stopwatch.StartNew();
        for (var i = 0; i < 3 || total.ElapsedMilliseconds < 300; i++)
        {
            var (start, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            run();
            var took = pool.Threads == 1 ? Environment.CpuUsage.TotalTime - used : Stopwatch.GetElapsedTime(start);
            best = Math.Min(best, took.TotalSeconds);
        }
        return best;
    }

    /// <summary>A packed matrix of random codes.</summary>
    public static PackedMatrix Packed(int rows, int columns, int bits, int groupSize, float[]? codebook = null)
    {
        var matrix = new PackedMatrix(rows, columns, bits, groupSize, codebook);
        var random = new Random(3);
        var codes = new byte[columns];
        for (var r = 0; r < rows; r++)
        {
            random.NextBytes(codes);
            for (var c = 0; c < columns; c++)
                codes[c] &= (byte)((1 << bits) - 1);
            matrix.SetRowCodes(r, codes);
        }
        matrix.TunedScales.Scale.Span.Fill(0.01f);
        matrix.TunedScales.Offset.Span.Fill(-0.08f);
        return matrix;
    }

    /// <summary>Random values in [-0.5, 0.5).</summary>
    public static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = random.NextSingle() - 0.5f;
        return values;
    }

    /// <summary>Random values in [-0.5, 0.5) where the model's own activations would lie.</summary>
    public static NativeBuffer<float> Buffer(int count, int seed)
    {
        var buffer = new NativeBuffer<float>(count);
        Values(count, seed).CopyTo(buffer.Span);
        return buffer;
    }
}
