namespace Vernier.Files.Gguf.Blocks;

/// <summary>TQ2_0, 256 ternary values in 66 bytes: 64 bytes of 2-bit codes at 0, d = fp16 at 64. y = d * (q - 1).</summary>
internal sealed class TQ2_0() : BlockFormat("TQ2_0", 35, 256, 66)
{
    public override BlockCodes Codes { get; } = new(2, 256, ZeroPoint: 1) { HalfScales = [64] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        TwoBits.Split(block, codes);
        scale[0] = ReadHalf(block[64..]);
        offset[0] = -scale[0];
    }
}
