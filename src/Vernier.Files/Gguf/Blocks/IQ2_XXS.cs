using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ2_XXS, 256 values in 66 bytes: d = fp16 at 0; for each 32 values 4 bytes that are entries of a code book and a 32-bit word of four times 7 bits of
/// signs and 4 bits of scale s. y = d * (2 s + 1) / 8 * entry * sign.</summary>
internal sealed class IQ2_XXS() : BlockFormat("IQ2_XXS", 16, 256, 66)
{
    public override BlockCodes Codes { get; } = IQ2Levels.Codes(32);

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        var d = ReadHalf(block);
        for (var g = 0; g < 8; g++)
        {
            var part = block.Slice(2 + 8 * g, 8);
            var word = BinaryPrimitives.ReadUInt32LittleEndian(part[4..]);
            for (var l = 0; l < 4; l++)
                CodeBooks.IQ2_XXS.Read(part[l], CodeBook.EvenSigns((int)(word >> 7 * l) & 127), IQ2Levels.Negative, codes.Slice(32 * g + 8 * l, 8));
            scale[g] = d * (2 * (word >> 28) + 1);
            offset[g] = 0;
        }
    }
}
