using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>Integer inference: prefill in Gop/s beside both peaks, decode in GB/s of weight beside the read bandwidth.</summary>
internal static class Int8Table
{
    public static void Print(int tokens, int[] threadCounts)
    {
        foreach (var threads in threadCounts)
        {
            using var pool = new WorkerPool(threads);
            Console.WriteLine($"{InstructionTiers.Best}, threads {threads}: fp32 peak {MachinePeaks.Fp32Gflops(pool):F0} GFLOP/s, int8 peak {MachinePeaks.Int8Gops(pool):F0} Gop/s, read {MachinePeaks.ReadGigabytesPerSecond(pool):F1} GB/s");
            Console.WriteLine($"{"shape",-14}{"weight",-10}{$"prefill {tokens}",22}{"decode fp32",20}{"decode int8",20}");
            foreach (var (rows, columns) in new[] { (576, 576), (1536, 576), (576, 1536), (4096, 4096) })
                foreach (var (bits, group) in new[] { (4, 32), (4, 0), (8, 32), (3, 64) })
                    Row(pool, rows, columns, bits, group, tokens);
            Row(pool, 49152, 576, 8, 32, Math.Min(tokens, 64));
        }
    }

    private static void Row(WorkerPool pool, int rows, int columns, int bits, int group, int tokens)
    {
        // Enough copies that none stays in the caches: a model's weights do not.
        using var activations = new QuantizedActivations();
        var copies = Enumerable.Range(0, Math.Max(1, (int)((64L << 20) / ((long)rows * columns * bits / 8))))
            .Select(_ => Measure.Packed(rows, columns, bits, group)).ToArray();
        var (x, y) = (Measure.Values(tokens * columns, 1), new float[tokens * rows]);
        var prefill = Measure.Seconds(pool, () =>
        {
            activations.Quantize(pool, x, tokens, columns);
            Int8Gemm.Forward(pool, activations, copies[0], y);
        });
        var fp32 = Measure.Seconds(pool, () =>
        {
            foreach (var weight in copies)
                Gemm.Forward(pool, x, 1, weight, y);
        });
        var int8 = Measure.Seconds(pool, () =>
        {
            foreach (var weight in copies)
            {
                activations.Quantize(pool, x, 1, columns);
                Int8Gemm.Forward(pool, activations, weight, y);
            }
        });
        var (rate, fp32Peak) = (2.0 * tokens * rows * columns / prefill / 1e9, MachinePeaks.Fp32Gflops(pool));
        var (bytes, read) = ((double)copies.Sum(w => w.Bytes), MachinePeaks.ReadGigabytesPerSecond(pool));
        Console.WriteLine($"{rows + "x" + columns,-14}{$"{bits}-bit/{group}",-10}{$"{rate:F0} ({rate / fp32Peak:F2} of fp32)",22}"
            + $"{$"{bytes / fp32 / 1e9:F1} GB/s ({bytes / fp32 / 1e9 / read:F2})",20}{$"{bytes / int8 / 1e9:F1} GB/s ({bytes / int8 / 1e9 / read:F2})",20}");
        foreach (var weight in copies)
            weight.Dispose();
    }
}
