namespace Vernier.Files.Gguf.Blocks;

/// <summary>IQ3_S, 256 values in 110 bytes: d = fp16 at 0; for each 4 values the low bits of an entry of a code book in 64 bytes at 2, its upper bit in 8 bytes at 66,
/// and 4 signs, two to a byte, in 32 bytes at 74; eight 4-bit scales s at 106. y = d * (2 s + 1) * entry * sign. Entries are odd, 1 to 15, so that weights
/// are evenly spaced: codes are 0 to 15 for -15 to 15, and integer products need no table.</summary>
internal sealed class IQ3_S() : BlockFormat("IQ3_S", 21, 256, 110)
{
    private const int Levels = 8;

    public override BlockCodes Codes { get; } = new(4, 32) { HalfScales = [0] };

    private protected override void SplitBlock(ReadOnlySpan<byte> block, Span<byte> codes, Span<float> scale, Span<float> offset)
    {
        for (var i = 0; i < 64; i++)
        {
            var entry = CodeBooks.IQ3_S[block[2 + i] | (block[66 + i / 8] >> i % 8 & 1) << 8];
            var signs = block[74 + i / 2] >> 4 * (i % 2);
            for (var j = 0; j < 4; j++)
                codes[4 * i + j] = (byte)((signs >> j & 1) == 0 ? Levels + entry[j] : Levels - 1 - entry[j]);
        }
        OddScales.Read(block.Slice(106, 4), ReadHalf(block), scale, offset);
        for (var g = 0; g < 8; g++)
            (scale[g], offset[g]) = (2 * scale[g], (1 - 2 * Levels) * scale[g]);
    }

    private protected override void DequantizeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<byte> codes = stackalloc byte[256];
        Span<float> scale = stackalloc float[8];
        Span<float> offset = stackalloc float[8];
        SplitBlock(block, codes, scale, offset);
        for (var i = 0; i < 256; i++)
            values[i] = scale[i / 32] / 2 * (2 * codes[i] + 1 - 2 * Levels); // one product, so that zeros have their sign
    }
}
