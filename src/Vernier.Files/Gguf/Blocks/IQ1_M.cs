using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ1_M, 256 values in 56 bytes: for each 8 values the low bits of an entry of a code book in 32 bytes at 0, its 3 upper bits and the sign of a shift of an
/// eighth in half a byte at 32; four 16-bit words at 48, each of four 3-bit scales s of 16 values and, on top, four bits of the fp16 d. y = d * (2 s + 1) * (entry + shift).</summary>
internal sealed class IQ1_M() : BlockFormat("IQ1_M", 29, 256, 56)
{
    private const int Words = 48, Negative = 3;

    // In eighths: -1, 0, 1 moved up, then moved down.
    public override BlockCodes Codes { get; } = new(3, 16, Table: [-7, 1, 9, -9, -1, 7, 0, 0]) { TableUnit = 1 / 8f, SubScaleBits = 4 };

    internal override Half SuperScale(ReadOnlySpan<byte> block)
    {
        var bits = 0;
        for (var k = 0; k < 4; k++)
            bits |= Word(block, k) >> 12 << 4 * k;
        return BitConverter.UInt16BitsToHalf((ushort)bits);
    }

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var i = 0; i < 32; i++)
        {
            var half = block[32 + i / 2] >> 4 * (i % 2);
            CodeBooks.IQ1.Read(block[i] | (half & 7) << 8, (half & 8) == 0 ? 0 : 255, Negative, codes.Slice(8 * i, 8));
        }
        var d = (float)SuperScale(block);
        for (var g = 0; g < 16; g++)
        {
            scale[g] = d * (2 * (Word(block, g / 4) >> 3 * (g % 4) & 7) + 1);
            offset[g] = 0;
        }
    }

    private protected override int RescaleBlock(Span<byte> block, float factor)
    {
        var scale = (float)SuperScale(block) * factor;
        Span<byte> written = stackalloc byte[2];
        WriteScale(scale, written);
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(written);
        for (var k = 0; k < 4; k++)
            BinaryPrimitives.WriteUInt16LittleEndian(block[(Words + 2 * k)..], (ushort)(Word(block, k) & 0xfff | (bits >> 4 * k & 15) << 12));
        return IsCoarse(scale, written);
    }

    private static int Word(ReadOnlySpan<byte> block, int k) => BinaryPrimitives.ReadUInt16LittleEndian(block[(Words + 2 * k)..]);
}
