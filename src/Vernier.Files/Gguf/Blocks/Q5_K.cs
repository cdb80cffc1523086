namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q5_K, 256 values in 176 bytes: as Q4_K, with the fifth bits in 32 bytes at 16 (bit i/32 of byte i%32) and the nibbles at 48.
/// y = d * S * q - dmin * M.</summary>
internal sealed class Q5_K() : BlockFormat("Q5_K", 13, 256, 176)
{
    public override BlockCodes Codes { get; } = new(5, 32) { HalfScales = [0, 2], SubScaleBits = 6 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        Q4_K.SplitNibbles(block[48..], codes);
        var fifth = block.Slice(16, 32);
        for (var i = 0; i < 256; i++)
            codes[i] |= (byte)(((fifth[i % 32] >> (i / 32)) & 1) << 4);
        SixBitScales.Read(block.Slice(4, 12), ReadHalf(block), ReadHalf(block[2..]), scale, offset);
    }
}
