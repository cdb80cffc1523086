using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>The products of one linear layer of SmolLM2-135M over 512 tokens.</summary>
public class ProductBenchmarks : KernelBenchmarks
{
    private const int Rows = 1536, Columns = 576, Tokens = 512;

    private readonly PackedMatrix _blocks = Measure.Packed(Rows, Columns, 4, 32);
    private readonly PackedMatrix _channels = Measure.Packed(Rows, Columns, 4, 0);
    private readonly PackedMatrix _bytes = Measure.Packed(Rows, Columns, 8, 32);
    private readonly QuantizedActivations _quantized = new();
    private readonly QuantizedGradient _gradient;
    private readonly NativeBuffer<float> _weightGradient = new((long)Rows * Columns);
    private readonly float[] _x = Measure.Values(Tokens * Columns, 1), _y = Measure.Values(Tokens * Rows, 2);

    public ProductBenchmarks() => _gradient = new QuantizedGradient(_quantized);

    public override void Dispose()
    {
        _gradient.Dispose();
        _weightGradient.Dispose();
        _quantized.Dispose();
        _bytes.Dispose();
        _channels.Dispose();
        _blocks.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void Forward() => Gemm.Forward(_pool, _x, Tokens, _blocks, _y);

    [Benchmark]
    public void BackwardInput() => Gemm.BackwardInput(_pool, _y, Tokens, _blocks, _x);

    [Benchmark]
    public void WeightGradient() => Gemm.WeightGradient(_pool, _y, _x, Tokens, Rows, Columns, new DenseGradientSink(_weightGradient, Columns));

    [Benchmark]
    public void Int8Forward() => Int8(_blocks);

    [Benchmark]
    public void Int8ForwardOf8Bits() => Int8(_bytes);

    [Benchmark]
    public void Int8BackwardInput()
    {
        if (Int8Gemm.SupportsBackward(_channels))
            Int8Gemm.BackwardInput(_pool, _y, Tokens, _channels, 1, _gradient, _x);
        else
            Gemm.BackwardInput(_pool, _y, Tokens, _channels, _x); // what training does there
    }

    private void Int8(PackedMatrix weight)
    {
        _quantized.Quantize(_pool, _x, Tokens, Columns);
        Int8Gemm.Forward(_pool, _quantized, weight, _y);
    }
}
