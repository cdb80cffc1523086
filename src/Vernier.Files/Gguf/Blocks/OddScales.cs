namespace Vernier.Files.Gguf.Blocks;

/// <summary>Scales of i-quants: an odd number of d, 2 s + 1, from 4 bits s, two to a byte, the low half first.</summary>
internal static class OddScales
{
    /// <summary>Scale d * (2 s + 1) of each group; offsets are 0, as codes stand for the entries of a table.</summary>
    public static void Read(ReadOnlySpan<byte> packed, float d, Span<float> scale, Span<float> offset)
    {
        for (var g = 0; g < scale.Length; g++)
        {
            scale[g] = d * (2 * (packed[g / 2] >> 4 * (g % 2) & 15) + 1);
            offset[g] = 0;
        }
    }
}
