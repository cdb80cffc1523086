namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q4_1, 32 values in 20 bytes: d = fp16 at 0, m = fp16 at 2, 16 bytes of nibbles at 4. y = d * q + m.</summary>
internal sealed class Q4_1() : BlockFormat("Q4_1", 3, 32, 20)
{
    private const int Largest = 15;

    public override bool CanQuantize => true;

    public override BlockCodes Codes { get; } = new(4, 32, CanJoin: true) { HalfScales = [0, 2] };

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
        Nibbles.Join(codes, block[4..]);
    }

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        Nibbles.Split(block[4..], codes);
        scale[0] = ReadHalf(block);
        offset[0] = ReadHalf(block[2..]);
    }

    private protected override void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block)
    {
        WriteScale(scale[0], block);
        WriteScale(offset[0], block[2..]);
        Nibbles.Join(codes, block[4..]);
    }
}
