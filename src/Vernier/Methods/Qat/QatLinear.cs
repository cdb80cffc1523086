using Vernier.Kernels;
using Vernier.Methods.LearnedGrids;
using Vernier.Models;

namespace Vernier.Methods.Qat;

/// <summary>Quantization-aware training (LSQ, arXiv 1902.08153): Y = X quantize(W; s)ᵀ, W and s both trained, straight through the rounding.</summary>
internal sealed class QatLinear : Linear
{
    private readonly FakeQuantizedMatrix _weight;
    private readonly DenseGradientSink _weightSum;
    private readonly LearnedGridSink _sink;
    private readonly Parameter[] _parameters;

    /// <param name="weight">Becomes the start of a trained fp32 copy.</param>
    internal QatLinear(string name, WeightMatrix weight, Parameter? bias, Func<WeightMatrix, LearnedGrid> grid, LearnedGridSink sink)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        Master = new Parameter(name + ".weight", weight.Rows, weight.Columns) { Decays = true };
        var source = new DenseMatrix(weight.Rows, weight.Columns, Master.Value);
        for (var row = 0; row < weight.Rows; row++)
            weight.ReadTile(row, 1, 0, weight.Columns, source.Row(row), weight.Columns);
        Grid = grid(source);
        _weight = new FakeQuantizedMatrix(source, Grid);
        _weightSum = new DenseGradientSink(Master.Gradient, weight.Columns);
        _sink = sink;
        _parameters = Grid.Offset is null ? [Master, Grid.Scale] : [Master, Grid.Scale, Grid.Offset];
    }

    internal override WeightMatrix Weight => _weight;

    /// <summary>W, [out, in].</summary>
    public Parameter Master { get; }

    /// <summary>s.</summary>
    public LearnedGrid Grid { get; }

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _weight, dx, accumulate);
        _sink.Begin(Grid, _weight.Source, _weightSum);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sink);
    }

    public override void ParametersChanged() => Grid.Refresh();

    /// <summary>The integer weight; what Forward computes, to the bit.</summary>
    public PackedMatrix Pack() => Grid.Pack(_weight.Source);

    internal override Linear Merged()
    {
        var packed = Pack();
        Weight.Dispose();
        return new FrozenLinear(Name, packed, Bias);
    }
}
