namespace Vernier.Files.Packings;

/// <summary>Codes of 2 to 8 bits in a little-endian stream of 32-bit words: code i is bits [bits * i, bits * i + bits) and may cross words.
/// The words of a stream may lie apart (a column of a matrix).</summary>
internal static class BitStream
{
    /// <summary>Words that <paramref name="count"/> codes take.</summary>
    public static int Words(int count, int bits) => checked((int)(((long)count * bits + 31) / 32));

    /// <param name="words">The first word of the stream and on.</param>
    /// <param name="wordStride">Words from one word of the stream to the next.</param>
    /// <param name="codes">One code every <paramref name="codeStride"/> elements.</param>
    public static void Unpack(ReadOnlySpan<uint> words, int wordStride, int bits, int count, Span<byte> codes, int codeStride)
    {
        var mask = (1u << bits) - 1;
        for (int i = 0, bit = 0; i < count; i++, bit += bits)
        {
            var (word, shift) = (bit / 32 * wordStride, bit % 32);
            var value = words[word] >> shift;
            if (shift + bits > 32)
                value |= words[word + wordStride] << (32 - shift);
            codes[i * codeStride] = (byte)(value & mask);
        }
    }

    /// <summary>The reverse of <see cref="Unpack"/>; the words must be zero.</summary>
    public static void Pack(ReadOnlySpan<byte> codes, int codeStride, int bits, int count, Span<uint> words, int wordStride)
    {
        for (int i = 0, bit = 0; i < count; i++, bit += bits)
        {
            var (word, shift) = (bit / 32 * wordStride, bit % 32);
            uint code = codes[i * codeStride];
            words[word] |= code << shift;
            if (shift + bits > 32)
                words[word + wordStride] |= code >> (32 - shift);
        }
    }
}
