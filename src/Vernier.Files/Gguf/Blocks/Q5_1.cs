using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q5_1, 32 values in 24 bytes: d = fp16 at 0, m = fp16 at 2, the fifth bits as a 32-bit word at 4, 16 bytes of nibbles at 8. y = d * q + m.</summary>
internal sealed class Q5_1() : BlockFormat("Q5_1", 7, 32, 24)
{
    private const int Largest = 31;

    public override bool CanQuantize => true;

    public override BlockCodes Codes { get; } = new(5, 32, CanJoin: true) { HalfScales = [0, 2] };

    private protected override void QuantizeBlock(ReadOnlySpan<float> values, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        var (least, most) = Rounding.Range(values);
        var d = (most - least) / Largest;
        var inverse = Rounding.Inverse(d);
        for (var i = 0; i < 32; i++)
            codes[i] = Rounding.Truncate((values[i] - least) * inverse + 0.5f, Largest);
        WriteHalf(d, block);
        WriteHalf(least, block[2..]);
        WriteCodes(codes, block);
    }

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        ReadCodes(block, codes);
        scale[0] = ReadHalf(block);
        offset[0] = ReadHalf(block[2..]);
    }

    private protected override void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block)
    {
        WriteScale(scale[0], block);
        WriteScale(offset[0], block[2..]);
        WriteCodes(codes, block);
    }

    private static void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        Nibbles.Split(block[8..], codes);
        Nibbles.AddFifthBits(BinaryPrimitives.ReadUInt32LittleEndian(block[4..]), codes);
    }

    private static void WriteCodes(ReadOnlySpan<byte> codes, Span<byte> block)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], Nibbles.FifthBits(codes));
        Nibbles.Join(codes, block[8..]);
    }
}
