namespace Vernier.Files.Gguf.Blocks;

/// <summary>The scales of Q4_K and Q5_K: d = fp16 at 0, dmin = fp16 at 2, eight 6-bit scales S and minimums M in 12 bytes at 4.
/// Bytes 0..3 and 4..7 hold S and M of groups 0..3 in their low six bits; the rest is made of bytes 8..11 and the spare top bits.</summary>
internal static class SixBitScales
{
    /// <summary>Scale d*S and offset -(dmin*M) of the eight groups.</summary>
    public static void Read(ReadOnlySpan<byte> packed, float d, float dmin, Span<float> scale, Span<float> offset)
    {
        for (var g = 0; g < 8; g++)
        {
            var s = g < 4 ? packed[g] & 63 : (packed[g + 4] & 15) | (packed[g - 4] >> 6) << 4;
            var m = g < 4 ? packed[g + 4] & 63 : (packed[g + 4] >> 4) | (packed[g] >> 6) << 4;
            scale[g] = d * s;
            offset[g] = -(dmin * m);
        }
    }
}
