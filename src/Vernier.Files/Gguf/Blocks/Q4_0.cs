namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q4_0, 32 values in 18 bytes: d = fp16 at 0, 16 bytes of nibbles at 2. y = d * (q - 8).</summary>
internal sealed class Q4_0() : BlockFormat("Q4_0", 2, 32, 18)
{
    private const int Zero = 8;

    public override bool CanQuantize => true;

    public override BlockCodes Codes { get; } = new(4, 32, Zero, CanJoin: true) { HalfScales = [0] };

    private protected override void QuantizeBlock(ReadOnlySpan<float> values, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[32];
        var d = Rounding.Extreme(values) / -Zero;
        var inverse = Rounding.Inverse(d);
        for (var i = 0; i < 32; i++)
            codes[i] = Rounding.Truncate(values[i] * inverse + (Zero + 0.5f), 15);
        WriteHalf(d, block);
        Nibbles.Join(codes, block[2..]);
    }

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        Nibbles.Split(block[2..], codes);
        scale[0] = ReadHalf(block);
        offset[0] = -Zero * scale[0];
    }

    private protected override void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block)
    {
        WriteScale(scale[0], block);
        Nibbles.Join(codes, block[2..]);
    }
}
