using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Python's upper, lower and title case: Unicode's full mappings, in which one character may become several.</summary>
internal static class TemplateCasing
{
    private static readonly FrozenDictionary<int, string> Uppers = Table(
        "\u00dfSS \u0149\u02bcN \u01f0J\u030c \u0390\u0399\u0308\u0301 \u03b0\u03a5\u0308\u0301 \u0587\u0535\u0552 \u1e96H\u0331 " +
        "\u1e97T\u0308 \u1e98W\u030a \u1e99Y\u030a \u1e9aA\u02be \u1f50\u03a5\u0313 \u1f52\u03a5\u0313\u0300 " +
        "\u1f54\u03a5\u0313\u0301 \u1f56\u03a5\u0313\u0342 \u1f80\u1f08\u0399 \u1f81\u1f09\u0399 \u1f82\u1f0a\u0399 " +
        "\u1f83\u1f0b\u0399 \u1f84\u1f0c\u0399 \u1f85\u1f0d\u0399 \u1f86\u1f0e\u0399 \u1f87\u1f0f\u0399 \u1f88\u1f08\u0399 " +
        "\u1f89\u1f09\u0399 \u1f8a\u1f0a\u0399 \u1f8b\u1f0b\u0399 \u1f8c\u1f0c\u0399 \u1f8d\u1f0d\u0399 \u1f8e\u1f0e\u0399 " +
        "\u1f8f\u1f0f\u0399 \u1f90\u1f28\u0399 \u1f91\u1f29\u0399 \u1f92\u1f2a\u0399 \u1f93\u1f2b\u0399 \u1f94\u1f2c\u0399 " +
        "\u1f95\u1f2d\u0399 \u1f96\u1f2e\u0399 \u1f97\u1f2f\u0399 \u1f98\u1f28\u0399 \u1f99\u1f29\u0399 \u1f9a\u1f2a\u0399 " +
        "\u1f9b\u1f2b\u0399 \u1f9c\u1f2c\u0399 \u1f9d\u1f2d\u0399 \u1f9e\u1f2e\u0399 \u1f9f\u1f2f\u0399 \u1fa0\u1f68\u0399 " +
        "\u1fa1\u1f69\u0399 \u1fa2\u1f6a\u0399 \u1fa3\u1f6b\u0399 \u1fa4\u1f6c\u0399 \u1fa5\u1f6d\u0399 \u1fa6\u1f6e\u0399 " +
        "\u1fa7\u1f6f\u0399 \u1fa8\u1f68\u0399 \u1fa9\u1f69\u0399 \u1faa\u1f6a\u0399 \u1fab\u1f6b\u0399 \u1fac\u1f6c\u0399 " +
        "\u1fad\u1f6d\u0399 \u1fae\u1f6e\u0399 \u1faf\u1f6f\u0399 \u1fb2\u1fba\u0399 \u1fb3\u0391\u0399 \u1fb4\u0386\u0399 " +
        "\u1fb6\u0391\u0342 \u1fb7\u0391\u0342\u0399 \u1fbc\u0391\u0399 \u1fc2\u1fca\u0399 \u1fc3\u0397\u0399 \u1fc4\u0389\u0399 " +
        "\u1fc6\u0397\u0342 \u1fc7\u0397\u0342\u0399 \u1fcc\u0397\u0399 \u1fd2\u0399\u0308\u0300 \u1fd3\u0399\u0308\u0301 " +
        "\u1fd6\u0399\u0342 \u1fd7\u0399\u0308\u0342 \u1fe2\u03a5\u0308\u0300 \u1fe3\u03a5\u0308\u0301 \u1fe4\u03a1\u0313 " +
        "\u1fe6\u03a5\u0342 \u1fe7\u03a5\u0308\u0342 \u1ff2\u1ffa\u0399 \u1ff3\u03a9\u0399 \u1ff4\u038f\u0399 \u1ff6\u03a9\u0342 " +
        "\u1ff7\u03a9\u0342\u0399 \u1ffc\u03a9\u0399 \ufb00FF \ufb01FI \ufb02FL \ufb03FFI \ufb04FFL \ufb05ST \ufb06ST " +
        "\ufb13\u0544\u0546 \ufb14\u0544\u0535 \ufb15\u0544\u053b \ufb16\u054e\u0546 \ufb17\u0544\u053d");

    private static readonly FrozenDictionary<int, string> Titles = Table(
        "\u00dfSs \u01c4\u01c5 \u01c5\u01c5 \u01c6\u01c5 \u01c7\u01c8 \u01c8\u01c8 \u01c9\u01c8 \u01ca\u01cb \u01cb\u01cb " +
        "\u01cc\u01cb \u01f1\u01f2 \u01f2\u01f2 \u01f3\u01f2 \u0587\u0535\u0582 \u1fb2\u1fba\u0345 \u1fb4\u0386\u0345 " +
        "\u1fb7\u0391\u0342\u0345 \u1fc2\u1fca\u0345 \u1fc4\u0389\u0345 \u1fc7\u0397\u0342\u0345 \u1ff2\u1ffa\u0345 " +
        "\u1ff4\u038f\u0345 \u1ff7\u03a9\u0342\u0345 \ufb00Ff \ufb01Fi \ufb02Fl \ufb03Ffi \ufb04Ffl \ufb05St \ufb06St " +
        "\ufb13\u0544\u0576 \ufb14\u0544\u0565 \ufb15\u0544\u056b \ufb16\u054e\u0576 \ufb17\u0544\u056d");

    public static string Upper(string text) => Ascii.IsValid(text) ? text.ToUpperInvariant() : Map(text, UpperOf);

    public static string Lower(string text)
    {
        if (Ascii.IsValid(text))
            return text.ToLowerInvariant();
        var lowered = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
            lowered.Append(text[i] switch
            {
                '\u0130' => "i\u0307",
                '\u03A3' when IsFinal(text, i) => "\u03C2",
                _ => Simple(text, ref i, Rune.ToLowerInvariant),
            });
        return lowered.ToString();
    }

    public static string Fold(string text) => Map(text, (whole, i) => whole[i] == '\u0131' ? "\u0131" : Map(UpperOf(whole, i), (upper, j) => Simple(upper, ref j, Rune.ToLowerInvariant)));

    public static string Swap(string text) => Map(text, (whole, i) => IsUpper(whole, i) ? Lower(Letter(whole, i)) : UpperOf(whole, i));

    public static string Capitalize(string text)
    {
        if (text.Length == 0)
            return text;
        var first = Letter(text, 0).Length;
        return TitleOf(text, 0) + Lower(text)[Lower(text[..first]).Length..];
    }

    /// <summary>Every letter after a character without case is a title letter, the others are small.</summary>
    public static string Title(string text)
    {
        var lowered = new StringBuilder(text.Length);
        var isInside = false;
        for (var i = 0; i < text.Length; i++)
        {
            var letter = Letter(text, i);
            lowered.Append(!isInside ? TitleOf(text, i) : letter == "\u03A3" && IsFinal(text, i) ? "\u03C2" : Lower(letter));
            isInside = IsCased(text, i);
            i += letter.Length - 1;
        }
        return lowered.ToString();
    }

    public static bool IsUpper(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at) is UnicodeCategory.UppercaseLetter
        || text[at] is (>= '\u2160' and <= '\u216F') or (>= '\u24B6' and <= '\u24CF');

    public static bool IsLower(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at) is UnicodeCategory.LowercaseLetter
        || text[at] is '\u00AA' or '\u00BA' or (>= '\u02B0' and <= '\u02B8') or (>= '\u2170' and <= '\u217F') or (>= '\u24D0' and <= '\u24E9');

    public static bool IsTitle(string text, int at) => CharUnicodeInfo.GetUnicodeCategory(text, at) is UnicodeCategory.TitlecaseLetter;

    private static bool IsCased(string text, int at) => IsUpper(text, at) || IsLower(text, at) || IsTitle(text, at);

    /// <summary>A sigma after a letter and before none.</summary>
    private static bool IsFinal(string text, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsIgnored(text, before))
            before--;
        var after = at + 1;
        while (after < text.Length && IsIgnored(text, after))
            after++;
        return before >= 0 && IsCased(text, before) && !(after < text.Length && IsCased(text, after));
    }

    private static bool IsIgnored(string text, int at) => text[at] is '\'' or '.' or ':' or '^' or '`' or '\u00A8' or '\u00AD' or '\u00B7' or '\u2019'
        || CharUnicodeInfo.GetUnicodeCategory(text, at) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    private static string UpperOf(string text, int at) =>
        Uppers.TryGetValue(text[at], out var mapped) ? mapped : Simple(text, ref at, Rune.ToUpperInvariant);

    private static string TitleOf(string text, int at) => Titles.TryGetValue(text[at], out var mapped) ? mapped
        : text[at] is >= '\u10D0' and <= '\u10FF' ? text[at].ToString()
        : text[at] is >= '\u1F80' and <= '\u1FFF' && Simple(text, ref at, Rune.ToUpperInvariant) is var greek && IsTitle(greek, 0) ? greek
        : UpperOf(text, at);

    private static string Letter(string text, int at) => char.IsSurrogatePair(text, at) ? text.Substring(at, 2) : text[at].ToString();

    private static string Simple(string text, ref int at, Func<Rune, Rune> map)
    {
        if (!Rune.TryGetRuneAt(text, at, out var rune))
            return text[at].ToString();
        at += rune.Utf16SequenceLength - 1;
        return map(rune).ToString();
    }

    private static string Map(string text, Func<string, int, string> map)
    {
        var mapped = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            mapped.Append(map(text, i));
            i += char.IsSurrogatePair(text, i) ? 1 : 0;
        }
        return mapped.ToString();
    }

    private static FrozenDictionary<int, string> Table(string entries) =>
        entries.Split(' ').ToFrozenDictionary(entry => (int)entry[0], entry => entry[1..]);
}
