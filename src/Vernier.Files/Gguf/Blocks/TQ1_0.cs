namespace Vernier.Files.Gguf.Blocks;

/// <summary>TQ1_0, 256 ternary values in 54 bytes: five base-3 digits a byte in 48 bytes at 0 (the first 32 bytes hold values 0..159, the
/// other 16 hold 160..239), four a byte in 4 bytes at 48, d = fp16 at 52. y = d * (q - 1). A byte is the digits as a fraction of 256,
/// so digit n is the integer part of 3 * (the byte * 3^n modulo 256) / 256.</summary>
internal sealed class TQ1_0() : BlockFormat("TQ1_0", 34, 256, 54)
{
    private static ReadOnlySpan<byte> Powers => [1, 3, 9, 27, 81];

    public override BlockCodes Codes { get; } = new(2, 256, ZeroPoint: 1) { HalfScales = [52] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        SplitRun(block[..32], codes[..160]);
        SplitRun(block.Slice(32, 16), codes.Slice(160, 80));
        SplitRun(block.Slice(48, 4), codes.Slice(240, 16));
        scale[0] = ReadHalf(block[52..]);
        offset[0] = -scale[0];
    }

    private static void SplitRun(ReadOnlySpan<byte> packed, Span<byte> codes)
    {
        for (var i = 0; i < codes.Length; i++)
            codes[i] = (byte)((packed[i % packed.Length] * Powers[i / packed.Length] & 255) * 3 >> 8);
    }
}
