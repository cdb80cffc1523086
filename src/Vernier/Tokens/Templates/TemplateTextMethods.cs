using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Python's methods of a text.</summary>
internal static class TemplateTextMethods
{
    private delegate object? Method(TemplateRun run, string text, TemplateBound arguments);

    private static readonly FrozenDictionary<string, (TemplateSignature Signature, Method Call)> ByName = new (string Name, string Parameters, Method Call)[]
    {
        ("strip", "/ chars=", (run, text, a) => TemplateText.Strip(text, Chars(run, a), left: true, right: true)),
        ("lstrip", "/ chars=", (run, text, a) => TemplateText.Strip(text, Chars(run, a), left: true, right: false)),
        ("rstrip", "/ chars=", (run, text, a) => TemplateText.Strip(text, Chars(run, a), left: false, right: true)),
        ("upper", "/", (_, text, _) => TemplateCasing.Upper(text)),
        ("lower", "/", (_, text, _) => TemplateCasing.Lower(text)),
        ("casefold", "/", (_, text, _) => TemplateCasing.Fold(text)),
        ("swapcase", "/", (_, text, _) => TemplateCasing.Swap(text)),
        ("title", "/", (_, text, _) => TemplateCasing.Title(text)),
        ("capitalize", "/", (_, text, _) => TemplateCasing.Capitalize(text)),
        ("startswith", "/ prefix start= end=", (run, text, a) => HasAffix(run, text, a, (part, affix) => part.StartsWith(affix, StringComparison.Ordinal))),
        ("endswith", "/ suffix start= end=", (run, text, a) => HasAffix(run, text, a, (part, affix) => part.EndsWith(affix, StringComparison.Ordinal))),
        ("removeprefix", "/ prefix", (run, text, a) => a.Text(run, 0) is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text),
        ("removesuffix", "/ suffix", (run, text, a) => a.Text(run, 0) is var suffix && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text),
        ("replace", "/ old new count=", (run, text, a) => TemplateText.Replace(run, text, a.Text(run, 0), a.Text(run, 1), a.Integer(run, 2, -1))),
        ("split", "sep= maxsplit=", (run, text, a) => Split(run, text, a, fromRight: false)),
        ("rsplit", "sep= maxsplit=", (run, text, a) => Split(run, text, a, fromRight: true)),
        ("splitlines", "keepends=", (run, text, a) => TemplateText.Lines(run, text, a.Integer(run, 0) != 0).ToList<object?>()),
        ("partition", "/ sep", (run, text, a) => Partition(run, text, a, fromRight: false)),
        ("rpartition", "/ sep", (run, text, a) => Partition(run, text, a, fromRight: true)),
        ("join", "/ iterable", (run, text, a) => TemplateFilters.JoinTexts(run, text, a.Get(0), isStrict: true)),
        ("find", "/ sub start= end=", (run, text, a) => Find(run, text, a, TemplateText.Find)),
        ("rfind", "/ sub start= end=", (run, text, a) => Find(run, text, a, TemplateText.FindLast)),
        ("index", "/ sub start= end=", (run, text, a) => Found(run, Find(run, text, a, TemplateText.Find))),
        ("rindex", "/ sub start= end=", (run, text, a) => Found(run, Find(run, text, a, TemplateText.FindLast))),
        ("count", "/ sub start= end=", CountOf),
        ("center", "/ width fillchar=", (run, text, a) => Pad(run, text, a, 'c')),
        ("ljust", "/ width fillchar=", (run, text, a) => Pad(run, text, a, '<')),
        ("rjust", "/ width fillchar=", (run, text, a) => Pad(run, text, a, '>')),
        ("zfill", "/ width", (run, text, a) => text.StartsWith('-') || text.StartsWith('+')
            ? text[..1] + TemplateText.Pad(run, text[1..], a.Integer(run, 0) - 1, "0", '>')
            : TemplateText.Pad(run, text, a.Integer(run, 0), "0", '>')),
        ("expandtabs", "tabsize=", ExpandTabs),
        ("isascii", "/", (_, text, _) => text.All(char.IsAscii)),
        ("isdigit", "/", (_, text, _) => All(text, i => CharUnicodeInfo.GetDigitValue(text, i) >= 0)),
        ("isdecimal", "/", (_, text, _) => All(text, i => CharUnicodeInfo.GetDecimalDigitValue(text, i) >= 0)),
        ("isnumeric", "/", (_, text, _) => All(text, i => CharUnicodeInfo.GetNumericValue(text, i) != -1)),
        ("isalpha", "/", (_, text, _) => All(text, i => char.IsLetter(text, i))),
        ("isalnum", "/", (_, text, _) => All(text, i => char.IsLetter(text, i) || CharUnicodeInfo.GetNumericValue(text, i) != -1)),
        ("isspace", "/", (_, text, _) => All(text, i => TemplateText.IsSpace(text[i]))),
        ("isprintable", "/", (_, text, _) => text.Length == 0 || All(text, i => TemplateText.IsPrintable(CodePoint(text, i)))),
        ("isidentifier", "/", (_, text, _) => text.Length > 0 && (text[0] == '_' || char.IsLetter(text, 0)) && All(text, i => IsNamePart(text, i))),
        ("isupper", "/", (_, text, _) => IsUpper(text)),
        ("islower", "/", (_, text, _) => IsLower(text)),
        ("istitle", "/", (_, text, _) => IsTitle(text)),
        ("translate", "/ table", Translate),
        ("maketrans", "/ x y= z=", (run, _, a) => MakeTable(run, a)),
        ("encode", "encoding= errors=", (run, _, _) => throw run.Error("the method encode is not done here: a template has no bytes")),
    }.ToFrozenDictionary(entry => entry.Name, entry => (new TemplateSignature(entry.Name, entry.Parameters), entry.Call));

    /// <summary>The method of a text by its name, or null.</summary>
    public static TemplateFunction? Find(object owner, string name)
    {
        var text = TemplateValues.AsText(owner)!;
        if (name is "format" or "format_map")
            return new TemplateFunction(name, (run, arguments) => TemplateFormat.Method(run, owner, name, arguments));
        return !ByName.TryGetValue(name, out var method) ? null : new TemplateFunction(name, (run, arguments) =>
        {
            run.ChargeSize(text.Length);
            run.Charge(Ascii.IsValid(text) ? 0 : text.Length / 4);
            if (owner is not TemplateMarkup)
                return method.Call(run, text, method.Signature.Bind(run, arguments));
            return AsMarkup(name, name == "join"
                ? TemplateFilters.JoinMarkup(run, owner, method.Signature.Bind(run, arguments).Get(0))
                : method.Call(run, text, method.Signature.Bind(run, EscapeArguments(run, name, arguments))));
        });
    }

    public static bool IsUpper(string text) => HasCase(text, TemplateCasing.IsUpper, (t, i) => TemplateCasing.IsLower(t, i) || TemplateCasing.IsTitle(t, i));

    public static bool IsLower(string text) => HasCase(text, TemplateCasing.IsLower, (t, i) => TemplateCasing.IsUpper(t, i) || TemplateCasing.IsTitle(t, i));

    private static bool HasCase(string text, Func<string, int, bool> wanted, Func<string, int, bool> unwanted)
    {
        var isFound = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (unwanted(text, i))
                return false;
            isFound |= wanted(text, i);
        }
        return isFound;
    }

    private static bool IsTitle(string text)
    {
        var (isInside, isFound) = (false, false);
        for (var i = 0; i < text.Length; i++)
        {
            var isCapital = TemplateCasing.IsUpper(text, i) || TemplateCasing.IsTitle(text, i);
            var isSmall = TemplateCasing.IsLower(text, i);
            if ((isCapital && isInside) || (isSmall && !isInside))
                return false;
            isInside = isCapital || isSmall;
            isFound |= isInside;
        }
        return isFound;
    }

    private static bool All(string text, Func<int, bool> holds)
    {
        for (var i = 0; i < text.Length; i += char.IsSurrogatePair(text, i) ? 2 : 1)
            if (!holds(i))
                return false;
        return text.Length > 0;
    }

    private static int CodePoint(string text, int at) => char.IsSurrogatePair(text, at) ? char.ConvertToUtf32(text, at) : text[at];

    private static bool IsNamePart(string text, int at) => char.IsLetterOrDigit(text, at)
        || CharUnicodeInfo.GetUnicodeCategory(text, at) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
            or UnicodeCategory.ConnectorPunctuation or UnicodeCategory.LetterNumber;

    /// <summary>Markup escapes what is put into it.</summary>
    private static TemplateArguments EscapeArguments(TemplateRun run, string name, TemplateArguments arguments) =>
        name is "replace" or "ljust" or "rjust" or "center" && arguments.Placed.Count > 1
            ? arguments with { Placed = [arguments.Placed[0], TemplateText.Escaped(run, arguments.Placed[1]), .. arguments.Placed.Skip(2)] }
            : arguments;

    private static object? AsMarkup(string name, object? value) => name == "maketrans" ? value : value switch
    {
        string text => new TemplateMarkup(text),
        List<object?> parts => parts.Select(part => AsMarkup(name, part)).ToList(),
        TemplateTuple parts => new TemplateTuple([.. parts.Select(part => AsMarkup(name, part))]),
        _ => value,
    };

    private static string? Chars(TemplateRun run, TemplateBound arguments) => arguments.Get(0) is null ? null : arguments.Text(run, 0);

    private static List<object?> Split(TemplateRun run, string text, TemplateBound arguments, bool fromRight) =>
        TemplateText.Split(run, text, arguments.Get(0) is null ? null : arguments.Text(run, 0), arguments.Integer(run, 1, -1), fromRight).ToList<object?>();

    private static TemplateTuple Partition(TemplateRun run, string text, TemplateBound arguments, bool fromRight)
    {
        var separator = arguments.Text(run, 0);
        if (separator.Length == 0)
            throw run.Error("empty separator");
        var at = fromRight ? TemplateText.FindLast(run, text, separator, 0, text.Length) : TemplateText.Find(run, text, separator, 0, text.Length);
        if (at < 0)
            return fromRight ? new("", "", text) : new(text, "", "");
        return new(text[..at], separator, text[(at + separator.Length)..]);
    }

    /// <summary>The indices of Python's start and end, which may be negative or none; start beyond end where nothing is between.</summary>
    private static (int Start, int End) Bounds(TemplateRun run, string text, TemplateBound arguments)
    {
        if (arguments.Get(1) is null && arguments.Get(2) is null)
            return (0, text.Length);
        var count = TemplateText.Count(text);
        var start = arguments.Get(1) is null ? 0 : arguments.Integer(run, 1);
        var end = arguments.Get(2) is null ? count : Math.Min(count, arguments.Integer(run, 2));
        start = start < 0 ? Math.Max(0, start + count) : start;
        end = end < 0 ? Math.Max(0, end + count) : end;
        return start > count || start > end ? (text.Length + 1, text.Length) : (TemplateText.ToIndex(text, start), TemplateText.ToIndex(text, end));
    }

    private static bool HasAffix(TemplateRun run, string text, TemplateBound arguments, Func<string, string, bool> holds)
    {
        var affixes = arguments.Get(0) is TemplateTuple many ? many.Select(TemplateValues.AsText).ToList() : [TemplateValues.AsText(arguments.Get(0))];
        if (affixes.Contains(null))
            throw run.Error($"{arguments.Function} first arg must be str or a tuple of str, not {TemplateValues.TypeName(arguments.Get(0))}");
        var (start, end) = Bounds(run, text, arguments);
        run.Charge(affixes.Sum(affix => 1L + affix!.Length / 16));
        var part = start > end ? null : start == 0 && end == text.Length ? text : text[start..end];
        return part is not null && affixes.Exists(affix => holds(part, affix!));
    }

    private static long Find(TemplateRun run, string text, TemplateBound arguments, Func<TemplateRun, string, string, int, int, int> find)
    {
        var (start, end) = Bounds(run, text, arguments);
        var at = start > end ? -1 : find(run, text, arguments.Text(run, 0), start, end);
        return at < 0 || !TemplateText.HasPairs(text) ? at : TemplateText.ToPlace(text, at);
    }

    private static object Found(TemplateRun run, long at) => at >= 0 ? at : throw run.Error("substring not found");

    private static object CountOf(TemplateRun run, string text, TemplateBound arguments)
    {
        var (start, end) = Bounds(run, text, arguments);
        return start > end ? 0L : (long)TemplateText.FindAll(run, text[start..end], arguments.Text(run, 0)).Count;
    }

    private static string Pad(TemplateRun run, string text, TemplateBound arguments, char side)
    {
        var fill = arguments.Text(run, 1, " ");
        return TemplateText.Count(fill) == 1
            ? TemplateText.Pad(run, text, arguments.Integer(run, 0), fill, side)
            : throw run.Error("The fill character must be exactly one character long");
    }

    private static string ExpandTabs(TemplateRun run, string text, TemplateBound arguments)
    {
        var size = arguments.Integer(run, 0, 8);
        var expanded = new StringBuilder();
        long column = 0;
        foreach (var c in text)
        {
            if (c == '\t')
            {
                var blanks = size > 0 ? size - column % size : 0;
                run.ChargeSize(expanded.Length + blanks);
                expanded.Append(' ', (int)blanks);
                column += blanks;
                continue;
            }
            expanded.Append(c);
            column = c is '\n' or '\r' ? 0 : column + (char.IsLowSurrogate(c) ? 0 : 1);
        }
        return expanded.ToString();
    }

    private static string Translate(TemplateRun run, string text, TemplateBound arguments)
    {
        if (arguments.Get(0) is not TemplateDictionary table)
            throw run.Error("translate() needs a dictionary");
        var translated = new StringBuilder();
        foreach (var character in TemplateText.Characters(text))
        {
            run.Charge();
            translated.Append(!table.TryGetValue(TemplateKey.Of(run, (long)CodePoint(character, 0)), out var other) ? character : other switch
            {
                null => "",
                long code when code is >= 0 and <= 0x10FFFF and not (>= 0xD800 and <= 0xDFFF) => char.ConvertFromUtf32((int)code),
                _ => TemplateValues.AsText(other) ?? throw run.Error("character mapping must return integer, None or str"),
            });
            run.CheckSize(translated.Length);
        }
        return translated.ToString();
    }

    private static TemplateDictionary MakeTable(TemplateRun run, TemplateBound arguments)
    {
        var table = new TemplateDictionary();
        if (!arguments.Has(1))
        {
            foreach (var (key, value) in arguments.Get(0) as TemplateDictionary ?? throw run.Error("if you give only one argument to maketrans it must be a dict"))
                table[TemplateKey.Of(run, TemplateValues.AsText(key.Value) is { Length: > 0 } name ? (long)CodePoint(name, 0) : key.Value)] = value;
            return table;
        }
        var (from, to) = (TemplateText.Characters(arguments.Text(run, 0)).ToList(), TemplateText.Characters(arguments.Text(run, 1)).ToList());
        if (from.Count != to.Count)
            throw run.Error("the first two maketrans arguments must have equal length");
        run.Charge(from.Count);
        for (var i = 0; i < from.Count; i++)
            table[TemplateKey.Of(run, (long)CodePoint(from[i], 0))] = (long)CodePoint(to[i], 0);
        foreach (var gone in TemplateText.Characters(arguments.Text(run, 2, "")))
            table[TemplateKey.Of(run, (long)CodePoint(gone, 0))] = null;
        return table;
    }
}
