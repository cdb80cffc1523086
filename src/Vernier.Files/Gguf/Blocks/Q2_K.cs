namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q2_K, 256 values in 84 bytes: 16 bytes at 0 with the scale (low half) and minimum (high half) of each 16 values,
/// 64 bytes of 2-bit codes at 16, d = fp16 at 80, dmin = fp16 at 82. y = d * S * q - dmin * M.</summary>
internal sealed class Q2_K() : BlockFormat("Q2_K", 10, 256, 84)
{
    public override BlockCodes Codes { get; } = new(2, 16) { HalfScales = [80, 82], SubScaleBits = 4 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        TwoBits.Split(block.Slice(16, 64), codes);
        var (d, dmin) = (ReadHalf(block[80..]), ReadHalf(block[82..]));
        for (var g = 0; g < 16; g++)
        {
            scale[g] = d * (block[g] & 15);
            offset[g] = -(dmin * (block[g] >> 4));
        }
    }
}
