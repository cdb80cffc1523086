using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>The products of a small batch: as many sequences' next tokens with one weight.</summary>
public class BatchBenchmarks : KernelBenchmarks
{
    private const int Size = 2048;

    private readonly PackedMatrix _weight = Measure.Packed(Size, Size, 4, 32);
    private readonly QuantizedActivations _quantized = new();
    private readonly float[] _x = Measure.Values(16 * Size, 1), _y = new float[16 * Size];

    public override void Dispose()
    {
        _quantized.Dispose();
        _weight.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void TwoTokens() => Forward(2);

    [Benchmark]
    public void FourTokens() => Forward(4);

    [Benchmark]
    public void SixteenTokens() => Forward(16);

    private void Forward(int tokens)
    {
        _quantized.Quantize(_pool, _x, tokens, Size);
        Int8Gemm.Forward(_pool, _quantized, _weight, _y);
    }
}
