namespace Vernier.Kernels;

/// <summary>The innermost loop of <see cref="Int8GemvRow{TDot}"/>.</summary>
internal unsafe interface IInt8RowDot
{
    static abstract InstructionTier Tier { get; }

    /// <summary>Whether it takes codes one a byte, else packed as they lie.</summary>
    static abstract bool Unpacks { get; }

    /// <summary>What codes are counted from.</summary>
    static abstract float Middle { get; }

    /// <summary>Σ factor * Σ (code - middle) * x over the groups of 32, or their halves.</summary>
    /// <param name="codes">Of a row.</param>
    /// <param name="groups">Of 32; even.</param>
    static abstract float Dot<TGroups>(byte* codes, float* factors, int groups, sbyte* x)
        where TGroups : struct, IGroupFactors;
}
