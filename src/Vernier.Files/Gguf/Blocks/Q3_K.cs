namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q3_K, 256 values in 110 bytes: third bits in 32 bytes at 0, 64 bytes of 2-bit codes at 32, sixteen 6-bit scales S + 32
/// in 12 bytes at 96, d = fp16 at 108. y = d * S * (q - 4).</summary>
internal sealed class Q3_K() : BlockFormat("Q3_K", 11, 256, 110)
{
    private const int Zero = 4;

    public override BlockCodes Codes { get; } = new(3, 16, Zero) { HalfScales = [108], SubScaleBits = 6 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        TwoBits.Split(block.Slice(32, 64), codes);
        for (var i = 0; i < 256; i++)
            codes[i] |= (byte)(((block[i % 32] >> (i / 32)) & 1) << 2);
        var packed = block.Slice(96, 12);
        var d = ReadHalf(block[108..]);
        for (var g = 0; g < 16; g++)
        {
            var low = g < 8 ? packed[g] & 15 : packed[g - 8] >> 4;
            var high = (packed[8 + g % 4] >> (2 * (g / 4))) & 3;
            scale[g] = d * ((low | high << 4) - 32);
            offset[g] = -Zero * scale[g];
        }
    }
}
