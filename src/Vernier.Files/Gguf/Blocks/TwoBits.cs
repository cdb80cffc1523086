namespace Vernier.Files.Gguf.Blocks;

/// <summary>The 2-bit order of the 256-value blocks: in each half of 128 values, run r of 32 values is bits 2r, 2r+1 of 32 bytes.</summary>
internal static class TwoBits
{
    /// <summary>64 bytes to 256 codes.</summary>
    public static void Split(ReadOnlySpan<byte> packed, Span<byte> codes)
    {
        for (var i = 0; i < 256; i++)
            codes[i] = (byte)((packed[32 * (i / 128) + i % 32] >> (2 * (i % 128 / 32))) & 3);
    }
}
