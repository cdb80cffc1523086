using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ1_S, 256 values in 50 bytes: d = fp16 at 0; for each 8 values the low bits of an entry of a code book in 32 bytes at 2; for each 32 values a 16-bit word
/// at 34 of four times the 3 upper bits, 3 bits of scale s and the sign of a shift of an eighth. y = d * (2 s + 1) * (entry + shift), entries being -1, 0 or 1.</summary>
internal sealed class IQ1_S() : BlockFormat("IQ1_S", 19, 256, 50)
{
    private const float Shift = 1 / 8f;

    public override BlockCodes Codes { get; } = new(2, 32) { HalfScales = [0] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        var d = ReadHalf(block);
        for (var g = 0; g < 8; g++)
        {
            var word = Word(block, g);
            for (var l = 0; l < 4; l++)
                CodeBooks.IQ1[block[2 + 4 * g + l] | (word >> 3 * l & 7) << 8].CopyTo(codes[(32 * g + 8 * l)..]);
            scale[g] = d * (2 * (word >> 12 & 7) + 1);
            offset[g] = scale[g] * (ShiftOf(word) - 1);
        }
    }

    private protected override void DequantizeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[256];
        Span<float> scale = stackalloc float[8];
        Span<float> offset = stackalloc float[8];
        SplitBlock(block, codes, scale, offset);
        for (var i = 0; i < 256; i++)
            values[i] = scale[i / 32] * (codes[i] - 1 + ShiftOf(Word(block, i / 32))); // one product, so that zeros have their sign
    }

    private static int Word(ReadOnlySpan<byte> block, int group) => BinaryPrimitives.ReadUInt16LittleEndian(block[(34 + 2 * group)..]);

    private static float ShiftOf(int word) => (word & 0x8000) != 0 ? -Shift : Shift;
}
