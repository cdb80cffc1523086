namespace Vernier.Files.Gguf.Blocks;

/// <summary>Q1_0, 128 values in 18 bytes: d = fp16 at 0, 16 bytes of signs at 2. y = d where the bit is set, else -d: codes 2 and 0 around a zero point of 1.</summary>
internal sealed class Q1_0() : BlockFormat("Q1_0", 41, 128, 18)
{
    public override BlockCodes Codes { get; } = new(2, 128, ZeroPoint: 1) { HalfScales = [0] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var i = 0; i < 128; i++)
            codes[i] = (byte)(2 * (block[2 + i / 8] >> i % 8 & 1));
        scale[0] = ReadHalf(block);
        offset[0] = -scale[0];
    }
}
