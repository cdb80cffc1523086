using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>The machine's own limits, three times each: their spread tells how quiet it is.</summary>
internal static class PeakTable
{
    public static void Print(int[] threadCounts)
    {
        foreach (var threads in threadCounts)
        {
            using var pool = new WorkerPool(threads);
            for (var i = 0; i < 3; i++)
                Console.WriteLine($"{InstructionTiers.Best}, threads {threads}: fp32 {MachinePeaks.Fp32Gflops(pool):F0} GFLOP/s, int8 {MachinePeaks.Int8Gops(pool):F0} Gop/s, read {MachinePeaks.ReadGigabytesPerSecond(pool):F1} GB/s");
        }
    }
}
