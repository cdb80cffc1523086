using System.Buffers.Binary;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>Puts the blocks of 256 values together from their integers: codes as <see cref="BlockFormat.Split"/> gives them, one scale (and minimum) a group,
/// and the fp16 factors of all scales and of all minimums.</summary>
internal static class SuperBlocks
{
    /// <summary>Whether blocks of a format are put together here.</summary>
    public static bool CanJoin(BlockFormat format) => format is Q2_K or Q3_K or Q4_K or Q5_K or Q6_K or IQ4_XS;

    /// <param name="codes">[256].</param>
    /// <param name="scales">[groups], in the range of the format.</param>
    /// <param name="minimums">[groups]; not used where the format has none.</param>
    /// <param name="block">The bytes of one block.</param>
    /// <exception cref="NotSupportedException">A format that has no integers of this kind.</exception>
    public static void Join(BlockFormat format, ReadOnlySpan<byte> codes, ReadOnlySpan<int> scales, ReadOnlySpan<int> minimums, Half d, Half dmin, Span<byte> block)
    {
        switch (format)
        {
            case Q2_K:
                JoinQ2(codes, scales, minimums, d, dmin, block);
                break;
            case Q3_K:
                JoinQ3(codes, scales, d, block);
                break;
            case Q4_K or Q5_K:
                JoinQ4AndQ5(codes, scales, minimums, d, dmin, block, fifth: format is Q5_K);
                break;
            case Q6_K:
                JoinQ6(codes, scales, d, block);
                break;
            case IQ4_XS:
                JoinIQ4(codes, scales, d, block);
                break;
            default:
                throw new NotSupportedException($"blocks of {format.Name} cannot be put together");
        }
    }

    private static void JoinQ2(ReadOnlySpan<byte> codes, ReadOnlySpan<int> scales, ReadOnlySpan<int> minimums, Half d, Half dmin, Span<byte> block)
    {
        for (var g = 0; g < 16; g++)
            block[g] = (byte)(scales[g] | minimums[g] << 4);
        JoinTwoBits(codes, 0, block.Slice(16, 64));
        BinaryPrimitives.WriteHalfLittleEndian(block[80..], d);
        BinaryPrimitives.WriteHalfLittleEndian(block[82..], dmin);
    }

    private static void JoinQ3(ReadOnlySpan<byte> codes, ReadOnlySpan<int> scales, Half d, Span<byte> block)
    {
        JoinBit(codes, 2, block[..32]);
        JoinTwoBits(codes, 0, block.Slice(32, 64));
        var packed = block.Slice(96, 12);
        packed.Clear();
        for (var g = 0; g < 16; g++)
        {
            var s = scales[g] + 32;
            packed[g % 8] |= (byte)((s & 15) << (g < 8 ? 0 : 4));
            packed[8 + g % 4] |= (byte)((s >> 4) << (2 * (g / 4)));
        }
        BinaryPrimitives.WriteHalfLittleEndian(block[108..], d);
    }

    private static void JoinQ4AndQ5(ReadOnlySpan<byte> codes, ReadOnlySpan<int> scales, ReadOnlySpan<int> minimums, Half d, Half dmin, Span<byte> block, bool fifth)
    {
        BinaryPrimitives.WriteHalfLittleEndian(block, d);
        BinaryPrimitives.WriteHalfLittleEndian(block[2..], dmin);
        var packed = block.Slice(4, 12);
        for (var g = 0; g < 4; g++)
        {
            packed[g] = (byte)(scales[g] | (scales[g + 4] >> 4) << 6);
            packed[g + 4] = (byte)(minimums[g] | (minimums[g + 4] >> 4) << 6);
            packed[g + 8] = (byte)(scales[g + 4] & 15 | (minimums[g + 4] & 15) << 4);
        }
        if (fifth)
            JoinBit(codes, 4, block.Slice(16, 32));
        var nibbles = block[(fifth ? 48 : 16)..];
        for (var i = 0; i < 128; i++)
        {
            var at = 64 * (i / 32) + i % 32;
            nibbles[i] = (byte)(codes[at] & 15 | codes[at + 32] << 4);
        }
    }

    private static void JoinQ6(ReadOnlySpan<byte> codes, ReadOnlySpan<int> scales, Half d, Span<byte> block)
    {
        for (var i = 0; i < 128; i++)
        {
            var at = 128 * (i / 64) + i % 64;
            block[i] = (byte)(codes[at] & 15 | codes[at + 64] << 4);
        }
        JoinTwoBits(codes, 4, block.Slice(128, 64));
        for (var g = 0; g < 16; g++)
            block[192 + g] = (byte)scales[g];
        BinaryPrimitives.WriteHalfLittleEndian(block[208..], d);
    }

    private static void JoinIQ4(ReadOnlySpan<byte> codes, ReadOnlySpan<int> scales, Half d, Span<byte> block)
    {
        BinaryPrimitives.WriteHalfLittleEndian(block, d);
        var high = 0;
        block.Slice(4, 4).Clear();
        for (var g = 0; g < 8; g++)
        {
            var s = scales[g] + 32;
            high |= (s >> 4) << (2 * g);
            block[4 + g / 2] |= (byte)((s & 15) << (4 * (g % 2)));
            Nibbles.Join(codes.Slice(32 * g, 32), block.Slice(8 + 16 * g, 16));
        }
        BinaryPrimitives.WriteUInt16LittleEndian(block[2..], (ushort)high);
    }

    /// <summary>Two bits of 256 codes in the order of <see cref="TwoBits"/>.</summary>
    private static void JoinTwoBits(ReadOnlySpan<byte> codes, int shift, Span<byte> packed)
    {
        for (var i = 0; i < 64; i++)
        {
            var at = 128 * (i / 32) + i % 32;
            var all = 0;
            for (var run = 0; run < 4; run++)
                all |= ((codes[at + 32 * run] >> shift) & 3) << (2 * run);
            packed[i] = (byte)all;
        }
    }

    /// <summary>One bit of 256 codes: bit i / 32 of byte i % 32.</summary>
    private static void JoinBit(ReadOnlySpan<byte> codes, int bit, Span<byte> packed)
    {
        packed.Clear();
        for (var i = 0; i < 256; i++)
            packed[i % 32] |= (byte)(((codes[i] >> bit) & 1) << (i / 32));
    }
}
