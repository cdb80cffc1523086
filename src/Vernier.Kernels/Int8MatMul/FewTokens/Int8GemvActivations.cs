namespace Vernier.Kernels;

/// <summary>Activations of few tokens, before a body lays them out.</summary>
internal unsafe struct Int8GemvActivations
{
    public int Tokens;

    /// <summary>[Tokens, Stride].</summary>
    public sbyte* Codes;

    public int Stride;

    /// <summary>Of 32 columns each.</summary>
    public int Groups;

    /// <summary>[Tokens, Padded]: scales, and sums as the weight's offsets are multiplied by them, zeros behind the groups.</summary>
    public float* Scales, Sums;

    public int Padded;
}
