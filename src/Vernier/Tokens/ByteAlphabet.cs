namespace Vernier.Tokens;

/// <summary>GPT-2's spelling of the 256 bytes as printable characters: visible Latin-1 bytes are themselves, the others follow from U+0100 on.</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Chars = MakeChars();
    private static readonly short[] Bytes = MakeBytes();

    public static char ToChar(byte value) => Chars[value];

    /// <summary>The byte a character stands for, or false where the character is not of the alphabet.</summary>
    public static bool TryToByte(char c, out byte value)
    {
        var found = c < Bytes.Length ? Bytes[c] : (short)-1;
        value = (byte)found;
        return found >= 0;
    }

    /// <summary>The characters that spell the UTF-8 bytes of a text; a lone surrogate counts as U+FFFD.</summary>
    public static string Spell(ReadOnlySpan<char> text)
    {
        var bytes = new byte[System.Text.Encoding.UTF8.GetMaxByteCount(text.Length)];
        var count = System.Text.Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(count, bytes, (chars, from) =>
        {
            for (var i = 0; i < chars.Length; i++)
                chars[i] = ToChar(from[i]);
        });
    }

    /// <summary>The bytes that a piece spells; a piece with any character outside the alphabet is its own text.</summary>
    public static byte[] BytesOf(string piece)
    {
        var bytes = new byte[piece.Length];
        for (var i = 0; i < piece.Length; i++)
            if (!TryToByte(piece[i], out bytes[i]))
                return System.Text.Encoding.UTF8.GetBytes(piece);
        return bytes;
    }

    private static char[] MakeChars()
    {
        var chars = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var isVisible = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            chars[value] = (char)(isVisible ? value : next++);
        }
        return chars;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[512]; // the last character is below it
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = -1;
        for (var value = 0; value < 256; value++)
            bytes[Chars[value]] = (short)value;
        return bytes;
    }
}
