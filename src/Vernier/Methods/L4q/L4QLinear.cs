using Vernier.Kernels;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.L4q;

/// <summary>Y = X Wqᵀ, Wq = quantize(W0 + scaling · B A; s, β), with A, B, s and β trained (L4Q, arXiv 2402.04902, equations 7 to 14).
/// Memory-optimised: the backward pass keeps X alone; Wq and the gradient G = dYᵀX exist as tiles.</summary>
internal sealed class L4QLinear : LearnedGridLinear
{
    private readonly LowRankSink _factorSink;
    private readonly Parameter[] _parameters;

    /// <param name="weight">The frozen W0, in full precision or packed.</param>
    /// <param name="sink">With <paramref name="factorSink"/> shared by all layers.</param>
    internal L4QLinear(string name, WeightMatrix weight, Parameter? bias, LowRankFactors factors, LearnedGrid grid, LearnedGridSink sink, LowRankSink factorSink)
        : base(name, new LowRankSumMatrix(weight, factors), bias, _ => grid, sink)
    {
        Factors = factors;
        _factorSink = factorSink;
        _parameters = [factors.A, factors.B, grid.Scale, grid.Offset!];
    }

    /// <summary>A and B.</summary>
    public LowRankFactors Factors { get; }

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        _factorSink.Begin(Factors);
        Backward(compute, x, dy, tokens, dx, accumulate, _factorSink);
        _factorSink.End();
    }
}
