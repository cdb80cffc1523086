using System.Runtime.InteropServices;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q8_0, 32 values in 34 bytes: d = fp16 at 0, 32 signed bytes at 2. y = d * q. As an unsigned code: q + 128.</summary>
internal sealed class Q8_0() : BlockFormat("Q8_0", 8, 32, 34)
{
    private const int Zero = 128;

    public override bool CanQuantize => true;

    public override BlockCodes Codes { get; } = new(8, 32, Zero, CanJoin: true) { HalfScales = [0] };

    private protected override void QuantizeBlock(ReadOnlySpan<float> values, Span<byte> block)
    {
        var d = MathF.Abs(Rounding.Extreme(values)) / 127;
        var inverse = Rounding.Inverse(d);
        WriteHalf(d, block);
        for (var i = 0; i < 32; i++)
            block[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        FlipSign(block[2..], codes);
        scale[0] = ReadHalf(block);
        offset[0] = -Zero * scale[0];
    }

    private protected override void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block)
    {
        WriteScale(scale[0], block);
        FlipSign(codes, block[2..]);
    }

    /// <summary>Signed to unsigned and back: adding 128 is flipping the top bit.</summary>
    private static void FlipSign(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var from = MemoryMarshal.Cast<byte, ulong>(source[..32]);
        var to = MemoryMarshal.Cast<byte, ulong>(destination[..32]);
        for (var i = 0; i < from.Length; i++)
            to[i] = from[i] ^ 0x8080808080808080;
    }
}
