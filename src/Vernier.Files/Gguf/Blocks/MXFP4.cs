namespace Vernier.Files.Gguf.Blocks;

/// <summary>MXFP4 (OCP Microscaling), 32 values in 17 bytes: exponent e at 0, 16 bytes of nibbles at 1. y = 2^(e-128) * Table[q],
/// the table being twice the E2M1 values.</summary>
internal sealed class MXFP4() : BlockFormat("MXFP4", 39, 32, 17)
{
    /// <summary>Twice the E2M1 values; NVFP4 has the same.</summary>
    internal static readonly sbyte[] Levels = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    public override BlockCodes Codes { get; } = new(4, 32, Table: Levels) { Storage = ScaleStorage.PowerOfTwo };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        Nibbles.Split(block[1..], codes);
        scale[0] = MathF.ScaleB(1, block[0] - 128);
        offset[0] = 0;
    }
}
