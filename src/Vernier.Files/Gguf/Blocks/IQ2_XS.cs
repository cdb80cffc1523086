using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ2_XS, 256 values in 74 bytes: d = fp16 at 0; 32 words of 16 bits at 2, for each 8 values an entry of a code book (9 bits) and 7 bits of signs;
/// sixteen 4-bit scales s at 66. y = d * (2 s + 1) / 8 * entry * sign.</summary>
internal sealed class IQ2_XS() : BlockFormat("IQ2_XS", 17, 256, 74)
{
    public override BlockCodes Codes { get; } = IQ2Levels.Codes(16);

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var i = 0; i < 32; i++)
        {
            var word = BinaryPrimitives.ReadUInt16LittleEndian(block[(2 + 2 * i)..]);
            CodeBooks.IQ2_XS.Read(word & 511, CodeBook.EvenSigns(word >> 9), IQ2Levels.Negative, codes.Slice(8 * i, 8));
        }
        OddScales.Read(block.Slice(66, 8), ReadHalf(block), scale, offset);
    }
}
