using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>One linear layer of SmolLM2-135M, 4 bits in groups of 32, fp32 and integer arithmetic.</summary>
[MemoryDiagnoser]
public class LinearBenchmarks
{
    private const int Rows = 1536;
    private const int Columns = 576;

    private readonly WorkerPool _pool = new();
    private readonly PackedMatrix _weight = Measure.Packed(Rows, Columns, 4, 32);
    private readonly QuantizedActivations _quantized = new();
    private float[] _x = [];
    private float[] _y = [];

    [Params(1, 8, 512)]
    public int Tokens { get; set; }

    [GlobalSetup]
    public void Fill() => (_x, _y) = (Measure.Values(Tokens * Columns, 1), new float[Tokens * Rows]);

    [GlobalCleanup]
    public void Free()
    {
        _quantized.Dispose();
        _weight.Dispose();
        _pool.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Fp32() => Gemm.Forward(_pool, _x, Tokens, _weight, _y);

    [Benchmark]
    public void Int8()
    {
        _quantized.Quantize(_pool, _x, Tokens, Columns);
        Int8Gemm.Forward(_pool, _quantized, _weight, _y);
    }
}
