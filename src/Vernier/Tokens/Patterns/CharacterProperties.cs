using System.Globalization;
using Vernier.Tokens.Unicode;

namespace Vernier.Tokens.Patterns;

/// <summary>The sets that a pattern names: general categories, POSIX classes and scripts. Case, spaces, hyphens and underscores do not count.</summary>
internal static class CharacterProperties
{
    private static readonly string[] Categories =
        ["lu", "ll", "lt", "lm", "lo", "mn", "mc", "me", "nd", "nl", "no", "zs", "zl", "zp", "cc", "cf", "cs", "co", "pc", "pd", "ps", "pe", "pi", "pf", "po", "sm", "sc", "sk", "so", "cn"];

    private static readonly string[] CategoryNames =
    [
        "uppercaseletter", "lowercaseletter", "titlecaseletter", "modifierletter", "otherletter", "nonspacingmark", "spacingmark", "enclosingmark",
        "decimalnumber", "letternumber", "othernumber", "spaceseparator", "lineseparator", "paragraphseparator", "control", "format", "surrogate",
        "privateuse", "connectorpunctuation", "dashpunctuation", "openpunctuation", "closepunctuation", "initialpunctuation", "finalpunctuation",
        "otherpunctuation", "mathsymbol", "currencysymbol", "modifiersymbol", "othersymbol", "unassigned",
    ];

    private static readonly Dictionary<string, string> Groups = new(StringComparer.Ordinal)
    {
        ["letter"] = "l", ["mark"] = "m", ["combiningmark"] = "m", ["number"] = "n", ["punctuation"] = "p", ["symbol"] = "s", ["separator"] = "z", ["other"] = "c",
    };

    /// <summary>The set of a name, or null where it is not known.</summary>
    public static CharacterSet? Find(string name)
    {
        var key = Key(name);
        key = Groups.GetValueOrDefault(key, key);
        if (key is "l" or "m" or "n" or "p" or "s" or "z" or "c")
            return CharacterSet.Categories(category => Categories[(int)category][0] == key[0]);
        if (key is "lc" or "l&" or "casedletter")
            return CharacterSet.Categories(category => category <= UnicodeCategory.TitlecaseLetter);
        var index = Math.Max(Array.IndexOf(Categories, key), Array.IndexOf(CategoryNames, key));
        if (index >= 0)
            return CharacterSet.Categories(category => (int)category == index);
        return Class(key) ?? (ScriptTable.Find(key) is { } ranges ? CharacterSet.Ranges(ranges) : null);
    }

    private static CharacterSet? Class(string key) => key switch
    {
        "any" => CharacterSet.Any,
        "assigned" => CharacterSet.Categories(category => category != UnicodeCategory.OtherNotAssigned),
        "ascii" => CharacterSet.Range(0, 0x7F),
        "alpha" or "alphabetic" => CharacterSet.Categories(IsAlphabetic),
        "alnum" => CharacterSet.Categories(category => IsAlphabetic(category) || category == UnicodeCategory.DecimalDigitNumber),
        "digit" => CharacterSet.Categories(category => category == UnicodeCategory.DecimalDigitNumber),
        "upper" or "uppercase" => CharacterSet.Categories(category => category == UnicodeCategory.UppercaseLetter),
        "lower" or "lowercase" => CharacterSet.Categories(category => category == UnicodeCategory.LowercaseLetter),
        "punct" => CharacterSet.Union([
            CharacterSet.Categories(category => Categories[(int)category][0] == 'p'), new CharacterSet(c => "$+<=>^`|~".Contains((char)Math.Min(c, 0xFFFF)))]),
        "space" or "whitespace" => CharacterSet.Space,
        "blank" => new CharacterSet(c => c == '\t' || CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.SpaceSeparator),
        "cntrl" => CharacterSet.Categories(category => category == UnicodeCategory.Control),
        "xdigit" => new CharacterSet(c => c < 128 && char.IsAsciiHexDigit((char)c)),
        "word" => CharacterSet.Word,
        _ => null,
    };

    private static bool IsAlphabetic(UnicodeCategory category) => category <= UnicodeCategory.EnclosingMark || category == UnicodeCategory.LetterNumber;

    internal static string Key(string name) => string.Concat(name.Where(c => c is not (' ' or '_' or '-'))).ToLowerInvariant();
}
