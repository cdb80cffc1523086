using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ3_XXS, 256 values in 98 bytes: d = fp16 at 0; 64 bytes at 2 that are entries of a code book for 4 values each; for each 32 values a 32-bit word at 66 of
/// four times 7 bits of signs and 4 bits of scale s. y = d * (2 s + 1) / 4 * entry * sign.</summary>
internal sealed class IQ3_XXS() : BlockFormat("IQ3_XXS", 18, 256, 98)
{
    private const int Negative = 8;

    public override BlockCodes Codes { get; } = new(4, 32, Table: [4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62]) { TableUnit = 1 / 4f, HalfScales = [0], SubScaleBits = 5 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        var d = ReadHalf(block);
        for (var g = 0; g < 8; g++)
        {
            var word = BinaryPrimitives.ReadUInt32LittleEndian(block[(66 + 4 * g)..]);
            for (var l = 0; l < 8; l++)
            {
                var signs = CodeBook.EvenSigns((int)(word >> 7 * (l / 2)) & 127) >> 4 * (l % 2);
                CodeBooks.IQ3_XXS.Read(block[2 + 8 * g + l], signs, Negative, codes.Slice(32 * g + 4 * l, 4));
            }
            scale[g] = d * (2 * (word >> 28) + 1);
            offset[g] = 0;
        }
    }
}
