namespace Vernier.Kernels;

/// <summary>The innermost integer product of one instruction tier. Byte products are summed in pairs in 16 bits over 8 steps of
/// 4 columns: with codes of 4 bits at most 8 * 2 * 15 * 127 = 30480, so nothing saturates.</summary>
internal unsafe interface IInt8Kernel
{
    /// <summary>Rows of the weight in a panel.</summary>
    static abstract int Rows { get; }

    /// <summary>Tokens at once.</summary>
    static abstract int Tokens { get; }

    /// <summary>y [Tokens, Rows] for one panel of the weight.</summary>
    /// <param name="panel">The weight's panel.</param>
    /// <param name="x">The first token's codes, scales and sums.</param>
    static abstract void Multiply(in Int8Panel panel, in Int8Tokens x, float* y, long stride, bool accumulate);
}

/// <summary>Rows of a weight, unpacked for <see cref="IInt8Kernel"/>.</summary>
internal unsafe struct Int8Panel
{
    /// <summary>[columns / 4, rows] words of 4 codes: the lower 4 bits of each code.</summary>
    public byte* Low;

    /// <summary>The same with the bits above, or null for codes of at most 4 bits.</summary>
    public byte* High;

    /// <summary>[groups, rows].</summary>
    public float* Scales;

    /// <summary>[groups, rows].</summary>
    public float* Offsets;

    /// <summary>Groups of 32 columns.</summary>
    public int Groups;

    /// <summary>Groups of 32 columns that share a scale.</summary>
    public int Ratio;
}

/// <summary>Where the activations of a run of tokens lie.</summary>
internal unsafe struct Int8Tokens
{
    public sbyte* Codes;
    public float* Scales;
    public float* Sums;

    /// <summary>A token's sums together.</summary>
    public float* Totals;

    /// <summary>Codes from token to token.</summary>
    public long Stride;

    /// <summary>Groups from token to token.</summary>
    public long Groups;
}
