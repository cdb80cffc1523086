namespace Vernier.Kernels;

/// <summary>The innermost integer product of one instruction tier.</summary>
internal unsafe interface IInt8GemmKernel
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

/// <summary>Rows of a weight, unpacked for <see cref="IInt8GemmKernel"/>.</summary>
internal unsafe struct Int8Panel
{
    /// <summary>[words of a row, rows]: words of 4 codes of a byte, or of 2 of 16 bits, see <see cref="Int8PanelCodes.AreWide"/>.</summary>
    public byte* Codes;

    /// <summary>Bits of a code.</summary>
    public int Bits;

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
    /// <summary>Bytes, or 16 bits each for wide codes of the weight.</summary>
    public byte* Codes;

    public float* Scales;
    public float* Sums;

    /// <summary>A token's sums together.</summary>
    public float* Totals;

    /// <summary>Bytes of codes from token to token.</summary>
    public long Stride;

    /// <summary>Groups from token to token.</summary>
    public long Groups;
}
