using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q5_0, 32 values in 22 bytes: d = fp16 at 0, the fifth bits as a 32-bit word at 2, 16 bytes of nibbles at 6. y = d * (q - 16).</summary>
internal sealed class Q5_0() : BlockFormat("Q5_0", 6, 32, 22)
{
    private const int Zero = 16;

    public override bool CanQuantize => true;

    public override BlockCodes Codes { get; } = new(5, 32, Zero, CanJoin: true) { HalfScales = [0] };

    private protected override void QuantizeBlock(ReadOnlySpan<float> values, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        var d = Rounding.Extreme(values) / -Zero;
        var inverse = Rounding.Inverse(d);
        for (var i = 0; i < 32; i++)
            codes[i] = Rounding.Truncate(values[i] * inverse + (Zero + 0.5f), 31);
        WriteHalf(d, block);
        WriteCodes(codes, block);
    }

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        ReadCodes(block, codes);
        scale[0] = ReadHalf(block);
        offset[0] = -Zero * scale[0];
    }

    private protected override void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block)
    {
        WriteScale(scale[0], block);
        WriteCodes(codes, block);
    }

    private static void ReadCodes(ReadOnlySpan<byte> block, Span<byte> codes)
    {
        Nibbles.Split(block[6..], codes);
        Nibbles.AddFifthBits(BinaryPrimitives.ReadUInt32LittleEndian(block[2..]), codes);
    }

    private static void WriteCodes(ReadOnlySpan<byte> codes, Span<byte> block)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(block[2..], Nibbles.FifthBits(codes));
        Nibbles.Join(codes, block[6..]);
    }
}
