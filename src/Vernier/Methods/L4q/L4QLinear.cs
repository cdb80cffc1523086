using Vernier.Kernels;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.L4q;

/// <summary>Y = X Wqᵀ, Wq = quantize(W0 + scaling · B A; s, β), with A, B, s and β trained (L4Q, arXiv 2402.04902, equations 7 to 14).
/// Memory-optimised: the backward pass keeps X alone; Wq and the gradient G = dYᵀX exist as tiles.</summary>
internal sealed class L4QLinear : Linear
{
    private readonly FakeQuantizedMatrix _weight;
    private readonly LearnedGridSink _sink;
    private readonly LowRankSink _factorSink;
    private readonly Parameter[] _parameters;

    /// <param name="weight">The frozen W0, in full precision or packed.</param>
    /// <param name="sink">With <paramref name="factorSink"/> shared by all layers.</param>
    internal L4QLinear(string name, WeightMatrix weight, Parameter? bias, LowRankFactors factors, LearnedGrid grid, LearnedGridSink sink, LowRankSink factorSink)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        Factors = factors;
        Grid = grid;
        _sink = sink;
        _factorSink = factorSink;
        _weight = new FakeQuantizedMatrix(new LowRankSumMatrix(weight, factors), grid);
        _parameters = [factors.A, factors.B, grid.Scale, grid.Offset!];
    }

    internal override WeightMatrix Weight => _weight;

    /// <summary>A and B.</summary>
    public LowRankFactors Factors { get; }

    /// <summary>s and β.</summary>
    public LearnedGrid Grid { get; }

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _weight, dx, accumulate);
        _factorSink.Begin(Factors);
        _sink.Begin(Grid, _weight.Source, _factorSink);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sink);
        _factorSink.End();
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
