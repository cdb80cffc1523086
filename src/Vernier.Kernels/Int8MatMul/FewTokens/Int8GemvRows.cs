namespace Vernier.Kernels;

/// <summary>A run of rows, a multiple of four, of a weight, and the tokens that they meet.</summary>
internal unsafe struct Int8GemvRows
{
    public byte* Codes;
    public long RowBytes;

    /// <summary>Scales and offsets [Rows, Groups], as an <see cref="IGemvScales"/> says; for groups of 32 whole vectors may be read behind the last.
    /// Offsets that are the scales themselves need not be read.</summary>
    public void* Scale, Offset;

    /// <summary>[Rows]: what the products are multiplied by; null = ones.</summary>
    public float* RowFactors;

    /// <summary>Added to the offsets, times the scales.</summary>
    public float Middle;

    public int Groups, Rows;

    /// <summary>Groups of activations in a group of the weight.</summary>
    public int Ratio;

    /// <summary>Rows from one that is multiplied to the one whose scales are asked for.</summary>
    public int Ahead;

    /// <summary>[Tokens, XStride].</summary>
    public sbyte* X;

    public long XStride;

    /// <summary>Scales and sums of the activations [Tokens, Padded], zeros behind the groups.</summary>
    public float* XScales, XSums;

    /// <summary>Groups rounded up to whole vectors.</summary>
    public int Padded;

    /// <summary>Groups of activations that have codes.</summary>
    public int XGroups;

    public int Tokens;

    /// <summary>Scratch [4, Padded].</summary>
    public float* Factors;

    /// <summary>[Tokens, YStride].</summary>
    public float* Y;

    public long YStride;
    public bool Accumulate;
}
