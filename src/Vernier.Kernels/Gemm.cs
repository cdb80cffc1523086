namespace Vernier.Kernels;

/// <summary>The matrix products of a linear layer with weight Ŵ [out, in]: Y = X Ŵᵀ, dX = dY Ŵ, G = dYᵀ X.</summary>
public static class Gemm
{
    /// <summary>y [tokens, out] = x [tokens, in] Ŵᵀ, or y += with <paramref name="accumulate"/>.</summary>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> x, int tokens, WeightMatrix weight, Span<float> y, bool accumulate = false) =>
        GemmReference.Forward(x, tokens, weight, y, accumulate);

    /// <summary>dx [tokens, in] = dy [tokens, out] Ŵ, or dx += with <paramref name="accumulate"/>.</summary>
    public static void BackwardInput(WorkerPool pool, ReadOnlySpan<float> dy, int tokens, WeightMatrix weight, Span<float> dx, bool accumulate = false) =>
        GemmReference.BackwardInput(dy, tokens, weight, dx, accumulate);

    /// <summary>G [out, in] = dy [tokens, out]ᵀ x [tokens, in], delivered to <paramref name="sink"/> tile by tile and never stored.</summary>
    public static void WeightGradient(WorkerPool pool, ReadOnlySpan<float> dy, ReadOnlySpan<float> x, int tokens, int outFeatures, int inFeatures, IGradientTileSink sink) =>
        GemmReference.WeightGradient(dy, x, tokens, outFeatures, inFeatures, sink);
}
