using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>What stands between the products, over 512 tokens of SmolLM2-135M, and an optimizer step over as many values.</summary>
public class LayerBenchmarks : KernelBenchmarks
{
    private const int Tokens = 512, Hidden = 576, Wide = 1536;

    private readonly QuantizedActivations _quantized = new();
    private readonly RopeTable _rope = new(10000, 64, Tokens);
    private readonly int[] _positions = [.. Enumerable.Range(0, Tokens)];
    private readonly float[] _weight = Measure.Values(Hidden, 1), _bias = Measure.Values(Hidden, 2), _weightGrad = new float[Hidden], _biasGrad = new float[Hidden];
    private readonly NativeBuffer<float> _x = Measure.Buffer(Tokens * Hidden, 3), _y = Measure.Buffer(Tokens * Hidden, 4), _z = Measure.Buffer(Tokens * Hidden, 5);
    private readonly NativeBuffer<float> _m = Measure.Buffer(Tokens * Hidden, 6), _v = new(Tokens * Hidden);
    private readonly NativeBuffer<float> _gate = Measure.Buffer(Tokens * Wide, 7), _up = Measure.Buffer(Tokens * Wide, 8), _product = Measure.Buffer(Tokens * Wide, 9);
    private readonly NativeBuffer<float> _gateGrad = Measure.Buffer(Tokens * Wide, 10), _upGrad = Measure.Buffer(Tokens * Wide, 11);
    private readonly float[] _logits = Measure.Values(49152, 8), _probabilities = new float[49152];
    private readonly Half[] _halves = new Half[Tokens * Hidden];

    public override void Dispose()
    {
        foreach (var buffer in (NativeBuffer<float>[])[_x, _y, _z, _m, _v, _gate, _up, _product, _gateGrad, _upGrad])
            buffer.Dispose();
        _rope.Dispose();
        _quantized.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public void RmsNormForward() => RmsNorm.Forward(_pool, _x.Span, _weight, Tokens, 1e-5f, _z.Span);

    [Benchmark]
    public void RmsNormBackward() => RmsNorm.Backward(_pool, _x.Span, _weight, _y.Span, Tokens, 1e-5f, _z.Span, _weightGrad);

    [Benchmark]
    public void LayerNormForward() => LayerNorm.Forward(_pool, _x.Span, _weight, _bias, Tokens, 1e-5f, _z.Span);

    [Benchmark]
    public void LayerNormBackward() => LayerNorm.Backward(_pool, _x.Span, _weight, _y.Span, Tokens, 1e-5f, _z.Span, _weightGrad, _biasGrad);

    [Benchmark]
    public void SwiGluForward() => SwiGlu.Forward(_pool, _gate.Span, _up.Span, _gateGrad.Span);

    [Benchmark]
    public void SwiGluBackward() => SwiGlu.Backward(_pool, _gate.Span, _up.Span, _product.Span, _gateGrad.Span, _upGrad.Span);

    [Benchmark]
    public void GeluTanhForward() => GeluTanh.Forward(_pool, _gate.Span, _gateGrad.Span);

    [Benchmark]
    public void GeluErfForward() => GeluErf.Forward(_pool, _gate.Span, _gateGrad.Span);

    [Benchmark]
    public void Rotation() => Rope.Apply(_pool, _positions, 9, 64, _rope, interleaved: false, _z.Span);

    [Benchmark]
    public void SoftmaxOfLogits() => Softmax.Row(_logits, _probabilities);

    [Benchmark]
    public void QuantizeActivations() => _quantized.Quantize(_pool, _x.Span, Tokens, Hidden);

    [Benchmark]
    public void NarrowToHalves() => HalfConversion.Narrow(_x.Span, _halves);

    [Benchmark]
    public void ScaleGradient() => ColumnDots.Accumulate(_pool, _x.Span, _y.Span, Tokens, Hidden, _weightGrad);

    [Benchmark]
    public void AdamWStep() => AdamW.Step(_pool, _y.Span, new AdamWSettings(), 1e-3, 0.01, 1, 1, _m.Span, _v.Span, _z.Span);
}
