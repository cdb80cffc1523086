using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>The low-rank path beside a frozen weight, Y += scaling (X Aᵀ) Bᵀ, computed through its rank and never as a matrix [out, in].</summary>
internal sealed class LowRankPath(LowRankFactors factors)
{
    private static readonly WorkspaceSlot s_innerGrad = new(), s_inputGrad = new(), s_dropped = new(), s_inner = new();
    private readonly DenseGradientSink _aSum = new(factors.A.Gradient, factors.A.Shape[1]);
    private readonly DenseGradientSink _bSum = new(factors.B.Gradient, factors.Rank);

    public LowRankFactors Factors => factors;

    private int Columns => factors.A.Shape[1];

    /// <summary>y += scaling (x Aᵀ) Bᵀ.</summary>
    public void AddForward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, Project(compute, Dropped(compute, x, tokens), tokens), tokens, factors.BMatrix, y, accumulate: true);

    /// <summary>dA += scaling (dY B)ᵀ X, dB += scaling dYᵀ (X Aᵀ), and dx += scaling dY B A unless dx is empty.</summary>
    public void AddBackward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens, Span<float> dx)
    {
        var (pool, rank) = (compute.Pool, factors.Rank);
        var input = Dropped(compute, x, tokens);
        Gemm.WeightGradient(pool, dy, Project(compute, input, tokens), tokens, factors.B.Shape[0], rank, _bSum);
        var inner = compute.Scratch(s_innerGrad, tokens * rank);
        Gemm.BackwardInput(pool, dy, tokens, factors.BMatrix, inner);
        Scale(inner, factors.Scaling);
        Gemm.WeightGradient(pool, inner, input, tokens, rank, Columns, _aSum);
        if (dx.IsEmpty)
            return;
        if (!Drops(compute))
        {
            Gemm.BackwardInput(pool, inner, tokens, factors.AMatrix, dx, accumulate: true);
            return;
        }
        var own = compute.Scratch(s_inputGrad, tokens * Columns);
        Gemm.BackwardInput(pool, inner, tokens, factors.AMatrix, own);
        InputDropout.Apply(own, InputDropout.Key(factors.Seed, x), factors.Dropout, own);
        LowRank.AddScaled(own, 1f, dx);
    }

    private bool Drops(Compute compute) => compute.Training && factors.Dropout > 0;

    private ReadOnlySpan<float> Dropped(Compute compute, ReadOnlySpan<float> x, int tokens)
    {
        if (!Drops(compute))
            return x;
        var dropped = compute.Scratch(s_dropped, tokens * Columns);
        InputDropout.Apply(x[..(tokens * Columns)], InputDropout.Key(factors.Seed, x), factors.Dropout, dropped);
        return dropped;
    }

    // scaling · X Aᵀ [tokens, rank].
    private Span<float> Project(Compute compute, ReadOnlySpan<float> x, int tokens)
    {
        var inner = compute.Scratch(s_inner, tokens * factors.Rank);
        Gemm.Forward(compute.Pool, x, tokens, factors.AMatrix, inner);
        Scale(inner, factors.Scaling);
        return inner;
    }

    private static void Scale(Span<float> values, float factor)
    {
        foreach (ref var value in values)
            value *= factor;
    }
}
