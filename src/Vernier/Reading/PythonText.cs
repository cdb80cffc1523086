using System.Text;

namespace Vernier.Reading;

/// <summary>Python's idea of white space and lower case, which the reference metrics and prompts are defined by.</summary>
internal static class PythonText
{
    /// <summary>str.isspace: .NET's white space and the four separators U+001C to U+001F.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001c' and <= '\u001f';

    /// <summary>str.strip.</summary>
    public static string Strip(string text) => StripEnd(text.AsSpan(LeadingSpace(text)).ToString());

    /// <summary>str.rstrip.</summary>
    public static string StripEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
            end--;
        return text[..end];
    }

    /// <summary>str.split without arguments: the runs between white space, none of them empty.</summary>
    public static IEnumerable<string> Split(string text)
    {
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && !IsSpace(text[i]))
                continue;
            if (i > start)
                yield return text[start..i];
            start = i + 1;
        }
    }

    /// <summary>len(re.split(r"\s+", text)): runs of white space plus one, so an outer run counts an empty word.</summary>
    public static int CountSplits(string text)
    {
        var count = 1;
        for (var i = 0; i < text.Length; i++)
            if (IsSpace(text[i]) && (i == 0 || !IsSpace(text[i - 1])))
                count++;
        return count;
    }

    /// <summary>len(text): Unicode code points.</summary>
    public static int Length(string text)
    {
        var length = text.Length;
        for (var i = 1; i < text.Length; i++)
            if (char.IsSurrogatePair(text[i - 1], text[i]))
                length--;
        return length;
    }

    /// <summary>str.lower: simple lower case, plus the one letter that becomes two and the final sigma.</summary>
    public static string Lower(string text)
    {
        var lower = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
            switch (text[i])
            {
                case '\u0130': // I with dot above
                    lower.Append("i\u0307");
                    break;
                case '\u03a3': // capital sigma
                    lower.Append(IsFinal(text, i) ? '\u03c2' : '\u03c3');
                    break;
                case '\u212a': // Kelvin sign
                    lower.Append('k');
                    break;
                case '\u212b': // Angstrom sign
                    lower.Append('\u00e5');
                    break;
                default:
                    if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
                    {
                        lower.Append(Rune.ToLowerInvariant(new Rune(text[i], text[i + 1])).ToString());
                        i++;
                    }
                    else
                    {
                        lower.Append(char.ToLowerInvariant(text[i]));
                    }
                    break;
            }
        return lower.ToString();
    }

    private static int LeadingSpace(string text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start]))
            start++;
        return start;
    }

    private static bool IsFinal(string text, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsCaseIgnorable(text[before]))
            before--;
        var after = at + 1;
        while (after < text.Length && IsCaseIgnorable(text[after]))
            after++;
        return before >= 0 && char.IsLetter(text[before]) && !(after < text.Length && char.IsLetter(text[after]));
    }

    private static bool IsCaseIgnorable(char c) =>
        c is '\'' or '.' or ':' or '\u00b7' or '\u2019' or '\u2018' || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.NonSpacingMark
            or System.Globalization.UnicodeCategory.EnclosingMark or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.ModifierLetter or System.Globalization.UnicodeCategory.ModifierSymbol;
}
