using Vernier.Cli.Benchmark;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Bench;

/// <summary>A tuning step with integer arithmetic beside the same step in fp32, in turns in one process.</summary>
internal static class StepRatio
{
    private const int Rounds = 5;

    public static void Print(string path, int threads, Granularity granularity)
    {
        using var fp32 = new TuningStep(path, threads, granularity, keep: true, ComputeMode.Fp32);
        using var int8 = new TuningStep(path, threads, granularity, keep: true, ComputeMode.Int8);
        var ratio = PairedRatio.Measure(Rounds, warmUp: 1, fp32.Seconds, int8.Seconds, default);
        Console.WriteLine($"{granularity}, {threads} threads: int8 {ratio.Median:F2} x fp32, the middle half of {Rounds} rounds within {ratio.Spread:F2}; fp32 at best {ratio.FirstSeconds:F2} s");
    }
}
