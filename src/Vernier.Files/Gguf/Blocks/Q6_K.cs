namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q6_K, 256 values in 210 bytes: low nibbles in 128 bytes at 0, upper two bits in 64 bytes at 128, sixteen signed scales S
/// at 192, d = fp16 at 208. y = d * S * (q - 32).</summary>
internal sealed class Q6_K() : BlockFormat("Q6_K", 14, 256, 210)
{
    private const int Zero = 32;

    public override BlockCodes Codes { get; } = new(6, 16, Zero) { HalfScales = [208], SubScaleBits = 8 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        TwoBits.Split(block.Slice(128, 64), codes);
        for (var half = 0; half < 2; half++)
            for (var l = 0; l < 64; l++)
            {
                var both = block[64 * half + l];
                codes[128 * half + l] = (byte)(codes[128 * half + l] << 4 | both & 15);
                codes[128 * half + 64 + l] = (byte)(codes[128 * half + 64 + l] << 4 | both >> 4);
            }
        var d = ReadHalf(block[208..]);
        for (var g = 0; g < 16; g++)
        {
            scale[g] = d * (sbyte)block[192 + g];
            offset[g] = -Zero * scale[g];
        }
    }
}
