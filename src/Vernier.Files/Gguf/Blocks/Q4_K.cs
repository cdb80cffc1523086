namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q4_K, 256 values in 144 bytes: d, dmin and 6-bit scales in 16 bytes at 0, 128 bytes of nibbles at 16 (each 32 bytes hold
/// 32 values in their low and the next 32 in their high halves). y = d * S * q - dmin * M.</summary>
internal sealed class Q4_K() : BlockFormat("Q4_K", 12, 256, 144)
{
    public override BlockCodes Codes { get; } = new(4, 32) { HalfScales = [0, 2], SubScaleBits = 6 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        SplitNibbles(block[16..], codes);
        SixBitScales.Read(block.Slice(4, 12), ReadHalf(block), ReadHalf(block[2..]), scale, offset);
    }

    /// <summary>128 bytes to 256 codes; Q5_K has the same order.</summary>
    internal static void SplitNibbles(ReadOnlySpan<byte> packed, Span<byte> codes)
    {
        for (var run = 0; run < 4; run++)
            for (var l = 0; l < 32; l++)
            {
                codes[64 * run + l] = (byte)(packed[32 * run + l] & 15);
                codes[64 * run + 32 + l] = (byte)(packed[32 * run + l] >> 4);
            }
    }
}
