namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ2_S, 256 values in 82 bytes: d = fp16 at 0; for each 8 values the low bits of an entry of a code book in 32 bytes at 2, its upper two bits in 8 bytes
/// at 66, and 8 signs in 32 bytes at 34; sixteen 4-bit scales s at 74. y = d * (2 s + 1) / 8 * entry * sign.</summary>
internal sealed class IQ2_S() : BlockFormat("IQ2_S", 22, 256, 82)
{
    public override BlockCodes Codes { get; } = IQ2Levels.Codes(16);

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var i = 0; i < 32; i++)
        {
            var high = block[66 + i / 4] >> 2 * (i % 4) & 3;
            CodeBooks.IQ2_S.Read(block[2 + i] | high << 8, block[34 + i], IQ2Levels.Negative, codes.Slice(8 * i, 8));
        }
        OddScales.Read(block.Slice(74, 8), ReadHalf(block), scale, offset);
    }
}
