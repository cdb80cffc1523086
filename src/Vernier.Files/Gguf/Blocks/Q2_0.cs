namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q2_0, 64 values in 18 bytes: d = fp16 at 0, 16 bytes of 2-bit codes at 2, in order from the low bits. y = d * (q - 1).</summary>
internal sealed class Q2_0() : BlockFormat("Q2_0", 42, 64, 18)
{
    public override BlockCodes Codes { get; } = new(2, 64, ZeroPoint: 1) { HalfScales = [0] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var i = 0; i < 64; i++)
            codes[i] = (byte)(block[2 + i / 4] >> 2 * (i % 4) & 3);
        scale[0] = ReadHalf(block);
        offset[0] = -scale[0];
    }
}
