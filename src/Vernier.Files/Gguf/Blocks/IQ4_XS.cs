using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ4_XS, 256 values in 136 bytes: d = fp16 at 0, upper two bits of the scales in a 16-bit word at 2, their low nibbles in 4
/// bytes at 4, 128 bytes of nibbles at 8. Scales are S + 32 in 6 bits, one for 32 values. y = d * S * Table[q].</summary>
internal sealed class IQ4_XS() : BlockFormat("IQ4_XS", 23, 256, 136)
{
    public override BlockCodes Codes { get; } = new(4, 32, Table: IQ4_NL.Levels) { HalfScales = [0], SubScaleBits = 6 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        var d = ReadHalf(block);
        var high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (var g = 0; g < 8; g++)
        {
            Nibbles.Split(block.Slice(8 + 16 * g, 16), codes.Slice(32 * g, 32));
            var s = (block[4 + g / 2] >> (4 * (g % 2))) & 15 | ((high >> (2 * g)) & 3) << 4;
            scale[g] = d * (s - 32);
            offset[g] = 0;
        }
    }
}
