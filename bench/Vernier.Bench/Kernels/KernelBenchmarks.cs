using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>Benchmarks of kernels on one worker.</summary>
[Config(typeof(InstructionSets))]
public abstract class KernelBenchmarks : IDisposable
{
    private protected readonly WorkerPool _pool = new(1);

    [GlobalCleanup]
    public void Free() => Dispose();

    public virtual void Dispose()
    {
        _pool.Dispose();
        GC.SuppressFinalize(this);
    }
}
