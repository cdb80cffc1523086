using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using Perfolizer.Horology;

namespace Vernier.Bench.Kernels;

/// <summary>Runs a benchmark once for each instruction set that has kernel bodies of its own, on one thread; the ratio column says what
/// the widest one gains. A body stays when it gains at least 1.15.</summary>
internal sealed class InstructionSets : ManualConfig
{
    public InstructionSets()
    {
        AddJob(Short("AVX-512").AsBaseline());
        AddJob(Short("AVX2").WithEnvironmentVariable("DOTNET_EnableAVX512", "0"));
        AddJob(Short("128 bits").WithEnvironmentVariable("DOTNET_EnableAVX2", "0"));
        AddJob(Short("scalar").WithEnvironmentVariable("DOTNET_EnableHWIntrinsic", "0"));
        HideColumns("Error", "StdDev", "RatioSD", "EnvironmentVariables", "IterationCount", "IterationTime", "WarmupCount");
    }

    private static Job Short(string id) =>
        new Job(id).WithWarmupCount(2).WithIterationCount(5).WithIterationTime(TimeInterval.FromMilliseconds(100));
}
