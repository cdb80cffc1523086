namespace Vernier.Files.Gguf.Blocks;

/// <summary>Entries of neighbouring weights' codes, read by index.</summary>
internal sealed class CodeBook
{
    private readonly byte[] _codes; // [entries, length]
    private readonly int _length;

    /// <param name="length">Weights of an entry.</param>
    /// <param name="bits">Of an element.</param>
    /// <param name="base64">A little-endian bit stream of all elements.</param>
    public CodeBook(int entries, int length, int bits, string base64)
    {
        (_codes, _length) = (new byte[entries * length], length);
        var packed = Convert.FromBase64String(base64);
        for (var i = 0; i < _codes.Length; i++)
            for (var bit = 0; bit < bits; bit++)
                _codes[i] |= (byte)((packed[(bits * i + bit) / 8] >> ((bits * i + bit) % 8) & 1) << bit);
    }

    /// <summary>The elements of an entry.</summary>
    public ReadOnlySpan<byte> this[int index] => _codes.AsSpan(index * _length, _length);

    /// <summary>An entry's elements as codes: those of negative weights are so much higher.</summary>
    /// <param name="signs">Bit i: weight i is negative.</param>
    /// <param name="negative">What is added to the code of a negative weight.</param>
    public void Read(int index, int signs, int negative, Span<byte> codes)
    {
        for (var i = 0; i < _length; i++)
            codes[i] = (byte)(_codes[index * _length + i] + negative * (signs >> i & 1));
    }

    /// <summary>Eight signs from seven bits: an even number of weights is negative.</summary>
    public static int EvenSigns(int seven) => seven | (int.PopCount(seven) & 1) << 7;
}
