namespace Vernier.Kernels;

/// <summary>Where the activations of a run of tokens lie.</summary>
internal unsafe struct Int8Tokens
{
    /// <summary>Bytes, or 16 bits each for wide codes of the weight.</summary>
    public byte* Codes;

    public float* Scales;
    public float* Sums;

    /// <summary>Of half groups, where the weight needs them.</summary>
    public float* HalfSums;

    /// <summary>A token's sums together.</summary>
    public float* Totals;

    /// <summary>Bytes of codes from token to token.</summary>
    public long Stride;

    /// <summary>Groups from token to token.</summary>
    public long Groups;
}
