namespace Vernier.Kernels;

/// <summary>The matrix products of a linear layer with weight Ŵ [out, in]: Y = X Ŵᵀ, dX = dY Ŵ, G = dYᵀ X. A weight is
/// dequantized while it is packed into panels; neither Ŵ nor G ever exists whole. Results depend on the instruction tier,
/// not on the number of workers.</summary>
internal static unsafe class Gemm
{
    /// <summary>y [tokens, out] = x [tokens, in] Ŵᵀ, or y += with <paramref name="accumulate"/>.</summary>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> x, int tokens, WeightMatrix weight, Span<float> y, bool accumulate = false) =>
        Forward(InstructionTiers.Best, pool, x, tokens, weight, y, accumulate);

    /// <summary>dx [tokens, in] = dy [tokens, out] Ŵ, or dx += with <paramref name="accumulate"/>.</summary>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    public static void BackwardInput(WorkerPool pool, ReadOnlySpan<float> dy, int tokens, WeightMatrix weight, Span<float> dx, bool accumulate = false) =>
        BackwardInput(InstructionTiers.Best, pool, dy, tokens, weight, dx, accumulate);

    /// <summary>G [out, in] = dy [tokens, out]ᵀ x [tokens, in], delivered to <paramref name="sink"/> tile by tile and never stored.</summary>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    public static void WeightGradient(WorkerPool pool, ReadOnlySpan<float> dy, ReadOnlySpan<float> x, int tokens, int outFeatures, int inFeatures, IGradientTileSink sink) =>
        WeightGradient(InstructionTiers.Best, pool, dy, x, tokens, outFeatures, inFeatures, sink);

    internal static void Forward(InstructionTier tier, WorkerPool pool, ReadOnlySpan<float> x, int tokens, WeightMatrix weight, Span<float> y, bool accumulate)
    {
        Check(tokens, weight.Columns, x.Length, nameof(x));
        Check(tokens, weight.Rows, y.Length, nameof(y));
        if (tokens == 0)
            return;
        fixed (float* a = x, c = y)
            GemmBodies.Forward.Choose(tier, MatMulShape.Of(weight, tokens)).Forward(pool, a, tokens, weight, c, accumulate);
    }

    internal static void BackwardInput(InstructionTier tier, WorkerPool pool, ReadOnlySpan<float> dy, int tokens, WeightMatrix weight, Span<float> dx, bool accumulate)
    {
        Check(tokens, weight.Rows, dy.Length, nameof(dy));
        Check(tokens, weight.Columns, dx.Length, nameof(dx));
        if (tokens == 0)
            return;
        fixed (float* a = dy, c = dx)
            GemmBodies.Gradients.Choose(tier, MatMulShape.Of(weight, tokens)).BackwardInput(pool, a, tokens, weight, c, accumulate);
    }

    internal static void WeightGradient(InstructionTier tier, WorkerPool pool, ReadOnlySpan<float> dy, ReadOnlySpan<float> x, int tokens, int outFeatures, int inFeatures, IGradientTileSink sink)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inFeatures);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens); // no tokens would leave the sink without its zeros
        Check(tokens, outFeatures, dy.Length, nameof(dy));
        Check(tokens, inFeatures, x.Length, nameof(x));
        fixed (float* pa = dy, pb = x)
            GemmBodies.Gradients.Choose(tier, new(0, inFeatures, outFeatures, inFeatures, tokens)).WeightGradient(pool, pa, pb, tokens, outFeatures, inFeatures, sink);
    }

    private static void Check(int tokens, int features, int length, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        if ((long)tokens * features > length)
            throw new ArgumentException($"{length} elements for {tokens} tokens of {features} features.", name);
    }
}
