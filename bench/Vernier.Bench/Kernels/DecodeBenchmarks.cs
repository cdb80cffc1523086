using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>One token: products that read 64 MB of codes from memory, and attention over a cache of 1024 tokens.</summary>
public class DecodeBenchmarks : KernelBenchmarks
{
    private const int Columns = 2048, CodeBytes = 64 << 20, Cached = 1024;

    private static readonly AttentionShape s_shape = new(9, 3, 64, 0.125f, 0);

    private readonly QuantizedActivations _quantized = new();
    private readonly float[] _x = Measure.Values(Columns, 1), _query = Measure.Values(9 * 64, 2), _mixed = new float[9 * 64];
    private readonly Half[] _keys = Array.ConvertAll(Measure.Values(Cached * 3 * 64, 3), v => (Half)v);
    private readonly Half[] _values = Array.ConvertAll(Measure.Values(Cached * 3 * 64, 4), v => (Half)v);
    private PackedMatrix? _weight;
    private float[] _y = [];

    public override void Dispose()
    {
        _weight?.Dispose();
        _quantized.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Fill(int bits, int groupSize)
    {
        _weight = Measure.Packed(CodeBytes / Columns * 8 / bits, Columns, bits, groupSize);
        _y = new float[_weight.Rows];
        _quantized.Quantize(_pool, _x, 1, Columns);
    }

    [GlobalSetup(Target = nameof(FourBits))]
    public void FillFourBits() => Fill(4, 32);

    [GlobalSetup(Target = nameof(FourBitsPerChannel))]
    public void FillFourBitsPerChannel() => Fill(4, 0);

    [GlobalSetup(Target = nameof(EightBits))]
    public void FillEightBits() => Fill(8, 32);

    [GlobalSetup(Target = nameof(ThreeBits))]
    public void FillThreeBits() => Fill(3, 64);

    [Benchmark]
    public void FourBits() => Int8Gemm.Forward(_pool, _quantized, _weight!, _y);

    [Benchmark]
    public void FourBitsPerChannel() => Int8Gemm.Forward(_pool, _quantized, _weight!, _y);

    [Benchmark]
    public void EightBits() => Int8Gemm.Forward(_pool, _quantized, _weight!, _y);

    [Benchmark]
    public void ThreeBits() => Int8Gemm.Forward(_pool, _quantized, _weight!, _y);

    [Benchmark]
    public void AttentionOverCache() => Attention.Cached(_pool, _query, _keys, _values, Cached, s_shape, _mixed);
}
