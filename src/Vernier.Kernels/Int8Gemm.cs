namespace Vernier.Kernels;

/// <summary>Y = X Ŵᵀ for inference in integers: codes of the weight times codes of the activations, summed exactly group by group,
/// then scaled; the offset meets the sum of a group's activations: Σ (s c + o) a q = s a Σ c q + o a Σ q.</summary>
public static unsafe class Int8Gemm
{
    // More tokens pay for unpacking the codes into panels.
    private const int MaxGemvTokens = 4;

    /// <summary>Whether a weight can be multiplied this way: its codes stand for themselves, and its groups are whole groups of activations.</summary>
    public static bool Supports(PackedMatrix weight) =>
        weight.Codebook.IsEmpty && (weight.Groups == 1 || weight.GroupSize % QuantizedActivations.GroupSize == 0);

    /// <summary>y [tokens, out] = x Ŵᵀ, or y += with <paramref name="accumulate"/>.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit.</exception>
    /// <exception cref="NotSupportedException">The weight is not one that <see cref="Supports"/> allows.</exception>
    public static void Forward(WorkerPool pool, QuantizedActivations x, PackedMatrix weight, Span<float> y, bool accumulate = false) =>
        Forward(InstructionTiers.Best, pool, x, weight, y, accumulate);

    internal static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, PackedMatrix weight, Span<float> y, bool accumulate)
    {
        if (!Supports(weight))
            throw new NotSupportedException($"Integer products need groups that are multiples of {QuantizedActivations.GroupSize} and no codebook; groups here are {weight.GroupSize}.");
        if (x.Columns != weight.Columns)
            throw new ArgumentException($"Activations of {x.Columns} columns for a weight of {weight.Columns}.", nameof(x));
        if ((long)x.Tokens * weight.Rows > y.Length)
            throw new ArgumentException($"{y.Length} elements for {x.Tokens} tokens of {weight.Rows} features.", nameof(y));
        if (x.Tokens == 0)
            return;
        fixed (float* to = y)
        {
            if (x.Tokens <= MaxGemvTokens || tier < InstructionTier.Vector256)
                Int8GemvDriver.Forward(tier, pool, x, weight, to, accumulate);
            else if (tier == InstructionTier.Vector512)
                Int8GemmDriver.Forward<Int8Kernel512>(pool, x, weight, to, accumulate);
            else
                Int8GemmDriver.Forward<Int8Kernel256>(pool, x, weight, to, accumulate);
        }
    }
}
