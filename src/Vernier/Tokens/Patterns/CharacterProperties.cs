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
        ["letter"] = "l",
        ["mark"] = "m",
        ["combiningmark"] = "m",
        ["number"] = "n",
        ["punctuation"] = "p",
        ["symbol"] = "s",
        ["separator"] = "z",
        ["other"] = "c",
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
        return Class(key) ?? (CharacterSetTable.Find(key) is { } ranges ? CharacterSet.Ranges(ranges) : null);
    }

    private static CharacterSet? Class(string key) => key switch
    {
        "any" => CharacterSet.Any,
        "assigned" => CharacterSet.Categories(category => category != UnicodeCategory.OtherNotAssigned),
        "ascii" => CharacterSet.Range(0, 0x7F),
        "alpha" or "alphabetic" => CharacterSet.Alphabetic,
        "alnum" => CharacterSet.Union([CharacterSet.Alphabetic, Find("Nd")!]),
        "digit" => Find("Nd"),
        "upper" or "uppercase" => CharacterSet.Union([Find("Lu")!, CharacterSet.Ranges(CharacterSetTable.Find("uppercase")!)]),
        "lower" or "lowercase" => CharacterSet.Union([Find("Ll")!, CharacterSet.Ranges(CharacterSetTable.Find("lowercase")!)]),
        "punct" => CharacterSet.Categories(category => Categories[(int)category][0] is 'p' or 's'),
        "space" or "whitespace" => CharacterSet.Space,
        "blank" => CharacterSet.Union([CharacterSet.Of('\t'), Find("Zs")!]),
        "cntrl" => Find("Cc"),
        "graph" => CharacterSet.Union([CharacterSet.Space, CharacterSet.Categories(IsInvisible)]).Not(),
        "print" => CharacterSet.Union([Find("Zs")!, Find("graph")!]),
        "xdigit" => new CharacterSet(c => c < 128 && char.IsAsciiHexDigit((char)c)),
        "word" => CharacterSet.Word,
        _ => null,
    };

    private static bool IsInvisible(UnicodeCategory category) => category is UnicodeCategory.Control or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate;

    internal static string Key(string name) => string.Concat(name.Where(c => c is not (' ' or '_' or '-'))).ToLowerInvariant();
}
