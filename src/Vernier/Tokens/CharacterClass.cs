using System.Globalization;

namespace Vernier.Tokens;

/// <summary>What the pre-tokenizers ask of a character: letter (\p{L}), number (\p{N}), white space (\s) or none of these.</summary>
internal enum CharacterClass : byte
{
    Other,
    Letter,
    Number,
    Space,
}

/// <summary>The class of a character from one table for the Basic Multilingual Plane.</summary>
internal static class CharacterClasses
{
    private static readonly CharacterClass[] Table = MakeTable();

    /// <summary>The class of the character at a place, and how many UTF-16 units it takes. A lone surrogate counts as U+FFFD.</summary>
    public static CharacterClass At(ReadOnlySpan<char> text, int at, out int length)
    {
        var c = text[at];
        length = 1;
        if (!char.IsHighSurrogate(c) || at + 1 == text.Length || !char.IsLowSurrogate(text[at + 1]))
            return Table[c];
        length = 2;
        return Of(CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(c, text[at + 1])));
    }

    /// <summary>The end of the run of characters of one class that begins at a place.</summary>
    public static int EndOfRun(ReadOnlySpan<char> text, int at, CharacterClass of)
    {
        while (at < text.Length && At(text, at, out var length) == of)
            at += length;
        return at;
    }

    private static CharacterClass[] MakeTable()
    {
        var table = new CharacterClass[0x10000];
        for (var c = 0; c < table.Length; c++)
            table[c] = char.IsWhiteSpace((char)c)
                ? CharacterClass.Space
                : Of(CharUnicodeInfo.GetUnicodeCategory((char)c));
        return table;
    }

    private static CharacterClass Of(UnicodeCategory category) => category switch
    {
        <= UnicodeCategory.OtherLetter => CharacterClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
        _ => CharacterClass.Other,
    };
}
