namespace Vernier.Files.Gguf.Blocks;

/// <summary>NVFP4, 64 values in 36 bytes: four scales of 16 values in 8 bits without a sign (E4M3) at 0, 32 bytes of nibbles at 4. y = scale / 2 * Table[q],
/// the table being twice the E2M1 values.</summary>
internal sealed class NVFP4() : BlockFormat("NVFP4", 40, 64, 36)
{
    private const int NotANumber = 0x7f; // read as 0, as ggml does

    public override BlockCodes Codes { get; } = new(4, 16, Table: MXFP4.Levels) { Storage = ScaleStorage.Float8 };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var g = 0; g < 4; g++)
        {
            for (var i = 0; i < 8; i++)
            {
                var both = block[4 + 8 * g + i];
                codes[16 * g + i] = (byte)(both & 15);
                codes[16 * g + 8 + i] = (byte)(both >> 4);
            }
            scale[g] = Scale(block[g]);
            offset[g] = 0;
        }
    }

    private static float Scale(int e4m3)
    {
        var (exponent, mantissa) = (e4m3 >> 3 & 15, e4m3 & 7);
        return e4m3 == NotANumber ? 0
            : exponent == 0 ? MathF.ScaleB(mantissa, -10)
            : MathF.ScaleB(8 + mantissa, exponent - 11);
    }
}
