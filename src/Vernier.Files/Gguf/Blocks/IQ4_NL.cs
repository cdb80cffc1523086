namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ4_NL, 32 values in 18 bytes: d = fp16 at 0, 16 bytes of nibbles at 2. y = d * Table[q].</summary>
internal sealed class IQ4_NL() : BlockFormat("IQ4_NL", 20, 32, 18)
{
    /// <summary>Unevenly spaced levels, denser near zero; IQ4_XS has the same.</summary>
    internal static readonly sbyte[] Levels = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public override BlockCodes Codes { get; } = new(4, 32, Table: Levels, CanJoin: true) { HalfScales = [0] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        Nibbles.Split(block[2..], codes);
        scale[0] = ReadHalf(block);
        offset[0] = 0;
    }

    private protected override void JoinBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, Span<byte> block)
    {
        WriteScale(scale[0], block);
        Nibbles.Join(codes, block[2..]);
    }
}
