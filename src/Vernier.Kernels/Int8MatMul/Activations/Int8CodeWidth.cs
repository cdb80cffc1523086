namespace Vernier.Kernels;

/// <summary>How wide codes of weights, and the activations that they are multiplied by, lie in panels: a byte up to 6 bits, else 16 bits.</summary>
internal static class Int8CodeWidth
{
    /// <summary>Whether codes of so many bits are 16 bits each.</summary>
    public static bool IsWide(int bits) => bits > 6;

    /// <summary>Bytes of a code.</summary>
    public static int Bytes(int bits) => IsWide(bits) ? sizeof(short) : sizeof(byte);
}
