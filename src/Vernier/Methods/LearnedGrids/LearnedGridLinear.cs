using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Methods.LearnedGrids;

/// <summary>Y = X quantize(W; s, β)ᵀ with a grid that is trained, straight through the rounding. What W is, and what of it is trained, the methods say.</summary>
internal abstract class LearnedGridLinear : Linear
{
    private readonly FakeQuantizedMatrix _weight;
    private readonly LearnedGridSink _sink;

    /// <param name="source">W. The layer owns it.</param>
    /// <param name="grid">Makes the grid of W.</param>
    /// <param name="sink">Shared by all layers.</param>
    private protected LearnedGridLinear(string name, WeightMatrix source, Parameter? bias, Func<WeightMatrix, LearnedGrid> grid, LearnedGridSink sink)
        : base(name, source.Columns, source.Rows, bias)
    {
        Grid = grid(source);
        _weight = new FakeQuantizedMatrix(source, Grid);
        _sink = sink;
    }

    internal sealed override WeightMatrix Weight => _weight;

    /// <summary>s, and β where it is trained.</summary>
    public LearnedGrid Grid { get; }

    public sealed override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public sealed override void ParametersChanged() => Grid.Refresh();

    /// <summary>The integer weight; what Forward computes, to the bit.</summary>
    public PackedMatrix Pack() => Grid.Pack(_weight.Source);

    internal sealed override Linear Merged()
    {
        var packed = Pack();
        Weight.Dispose();
        return new FrozenLinear(Name, packed, Bias);
    }

    /// <summary>dX, and the gradients of the grid.</summary>
    /// <param name="next">Takes the gradient of W.</param>
    private protected void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate, IGradientTileSink next)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _weight, dx, accumulate);
        _sink.Begin(Grid, _weight.Source, next);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sink);
    }
}
