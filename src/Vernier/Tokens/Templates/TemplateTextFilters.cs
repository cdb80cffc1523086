using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text;
using static Vernier.Tokens.Templates.TemplateFilters;

namespace Vernier.Tokens.Templates;

/// <summary>Filters that make texts.</summary>
internal static class TemplateTextFilters
{
    public static IEnumerable<(string Name, string Parameters, TemplateFilter Call)> All { get; } =
    [
        ("trim", "chars=", (run, value, a) => Like(value, TemplateText.Strip(Soft(run, value), a.Get(0) is null ? null : a.Text(run, 0), left: true, right: true))),
        ("upper", "", (run, value, _) => Like(value, TemplateCasing.Upper(Cased(run, value)))),
        ("lower", "", (run, value, _) => Like(value, TemplateCasing.Lower(Cased(run, value)))),
        ("capitalize", "", (run, value, _) => Like(value, TemplateCasing.Capitalize(Cased(run, value)))),
        ("title", "", (run, value, _) => Title(Cased(run, value))),
        ("string", "", (run, value, _) => Like(value, Soft(run, value))),
        ("safe", "", (run, value, _) => new TemplateMarkup(Soft(run, value))),
        ("escape", "", (run, value, _) => TemplateText.Escaped(run, value)),
        ("e", "", (run, value, _) => TemplateText.Escaped(run, value)),
        ("forceescape", "", (run, value, _) => new TemplateMarkup(TemplateText.EscapeHtml(run, Soft(run, value)))),
        ("striptags", "", (run, value, _) => StripTags(Soft(run, value))),
        ("replace", "old new count=", Replace),
        ("indent", "width= first= blank=", Indent),
        ("center", "width=", (run, value, a) => Like(value, TemplateText.Pad(run, Soft(run, value), a.Integer(run, 0, 80), " ", 'c'))),
        ("truncate", "length= killwords= end= leeway=", Truncate),
        ("wordwrap", "width= break_long_words= wrapstring= break_on_hyphens=", TemplateWrap.Wrap),
        ("wordcount", "", (run, value, _) => WordCount(Soft(run, value))),
        ("format", "* **", Format),
        ("join", "d= attribute=", Join),
        ("urlencode", "", UrlEncode),
        ("xmlattr", "autospace=", XmlAttributes),
        ("filesizeformat", "binary=", FileSize),
        ("pprint", "", (run, value, _) => TemplatePretty.Print(run, value)),
        ("tojson", "ensure_ascii= indent= separators= sort_keys=", (run, value, a) => TemplateJson.Write(run, value, a)),
        ("urlize", "* **", (run, _, _) => throw run.Error("the filter urlize is not done here")),
        ("random", "* **", (run, _, _) => throw run.Error("the filter random is not done here: a conversation has one text")),
    ];

    /// <summary>A text whose letters change: beyond ASCII each one is looked up.</summary>
    private static string Cased(TemplateRun run, object? value)
    {
        var text = Soft(run, value);
        run.Charge(Ascii.IsValid(text) ? text.Length / 16 : text.Length / 4);
        return text;
    }

    private static object Replace(TemplateRun run, object? value, TemplateBound arguments)
    {
        var count = arguments.Get(2) is null ? -1 : arguments.Integer(run, 2);
        if (!run.Escapes)
            return TemplateText.Replace(run, Soft(run, value), Soft(run, arguments.Get(0)), Soft(run, arguments.Get(1)), count);
        if (arguments.Get(0) is TemplateMarkup || (arguments.Get(1) is TemplateMarkup && value is not TemplateMarkup))
            value = TemplateText.Escaped(run, value);
        var @new = value is TemplateMarkup ? TemplateText.Escaped(run, arguments.Get(1)) : arguments.Get(1);
        return Like(value, TemplateText.Replace(run, Soft(run, value), Soft(run, arguments.Get(0)), Soft(run, @new), count));
    }

    /// <summary>Words begin after a dash, white space or an opening bracket.</summary>
    private static string Title(string text)
    {
        var titled = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var isBetween = IsBetween(text[at]);
            var end = at;
            while (end < text.Length && IsBetween(text[end]) == isBetween)
                end++;
            var first = at + (char.IsSurrogatePair(text, at) ? 2 : 1);
            titled.Append(TemplateCasing.Upper(text[at..first])).Append(TemplateCasing.Lower(text[first..end]));
            at = end;
        }
        return titled.ToString();
    }

    private static bool IsBetween(char c) => c is '-' or '(' or '{' or '[' or '<' || TemplateText.IsSpace(c);

    private static string StripTags(string text)
    {
        text = Without(Without(text, "<!--", "-->"), "<", ">");
        var words = text.Split([.. text.Where(TemplateText.IsSpace).Distinct(), ' '], StringSplitOptions.RemoveEmptyEntries);
        return WebUtility.HtmlDecode(string.Join(' ', words));
    }

    private static string Without(string text, string open, string close)
    {
        var kept = new StringBuilder();
        var at = 0;
        while (text.IndexOf(open, at, StringComparison.Ordinal) is >= 0 and var start && text.IndexOf(close, start, StringComparison.Ordinal) is >= 0 and var end)
        {
            kept.Append(text, at, start - at);
            at = end + close.Length;
        }
        return kept.Append(text, at, text.Length - at).ToString();
    }

    private static object Indent(TemplateRun run, object? value, TemplateBound arguments)
    {
        var text = TemplateValues.AsText(value) ?? throw TemplateValues.Wrong(run, value, $"indent needs a text, not {TemplateValues.TypeName(value)}");
        var blanks = TemplateValues.AsText(arguments.Get(0)) ?? new string(' ', arguments.Width(run, 0, 4));
        var (first, blank) = (arguments.IsTrue(1), arguments.IsTrue(2));
        var lines = TemplateText.Lines(run, text + "\n");
        run.ChargeSize(text.Length + (long)lines.Count * blanks.Length);
        var indented = new StringBuilder(first ? blanks : "");
        for (var i = 0; i < lines.Count; i++)
            indented.Append(i > 0 ? "\n" : "").Append(i > 0 && (blank || lines[i].Length > 0) ? blanks : "").Append(lines[i]);
        return Like(value, indented.ToString());
    }

    private static object? Truncate(TemplateRun run, object? value, TemplateBound arguments)
    {
        var (length, end) = (arguments.Integer(run, 0, 255), arguments.Text(run, 2, "..."));
        var leeway = arguments.Get(3) is null ? 5 : arguments.Integer(run, 3);
        var dots = TemplateText.Count(end);
        if (length < dots || leeway < 0)
            throw run.Error(leeway < 0 ? $"expected leeway >= 0, got {leeway}" : $"expected length >= {dots}, got {length}");
        if (TemplateValues.Length(run, value) <= length + leeway)
            return value;
        var text = TemplateValues.AsText(value) ?? throw run.Error($"truncate needs a text, not {TemplateValues.TypeName(value)}");
        run.ChargeSize(text.Length);
        text = text[..TemplateText.ToIndex(text, length - dots)];
        var cut = arguments.IsTrue(1) ? -1 : text.LastIndexOf(' ');
        return Like(value, (cut < 0 ? text : text[..cut]) + (value is TemplateMarkup ? TemplateText.EscapeHtml(run, end) : end));
    }

    private static object WordCount(string text)
    {
        var count = 0L;
        var isInside = false;
        for (var i = 0; i < text.Length; i += char.IsSurrogatePair(text, i) ? 2 : 1)
        {
            var isWord = text[i] == '_' || char.IsLetter(text, i) || CharUnicodeInfo.GetNumericValue(text, i) != -1;
            count += isWord && !isInside ? 1 : 0;
            isInside = isWord;
        }
        return count;
    }

    private static object Format(TemplateRun run, object? value, TemplateBound arguments)
    {
        if (arguments.Rest.Count > 0 && arguments.Named.Count > 0)
            throw run.Error("can't handle positional and keyword arguments at the same time");
        object given = new TemplateTuple([.. arguments.Rest]);
        if (arguments.Named.Count > 0)
        {
            var pairs = new TemplateDictionary();
            foreach (var (name, argument) in arguments.Named)
                pairs[name] = argument;
            given = pairs;
        }
        return TemplateFormat.Percent(run, value as TemplateMarkup ?? (object)Soft(run, value), given);
    }

    private static object Join(TemplateRun run, object? value, TemplateBound arguments)
    {
        var separator = arguments.Get(0, "");
        if (arguments.Get(1) is { } attribute)
        {
            run.Charge();
            value = TemplateValues.Items(run, value).ConvertAll(item => Member(run, item, attribute));
        }
        if (!run.Escapes)
            return JoinTexts(run, TemplateRepresentation.Text(run, separator), value, isStrict: false);
        var items = TemplateValues.Items(run, value);
        if (separator is not TemplateMarkup && !items.Exists(item => item is TemplateMarkup))
            return JoinTexts(run, TemplateRepresentation.Text(run, separator), items, isStrict: false);
        return new TemplateMarkup(JoinMarkup(run, TemplateText.Escaped(run, separator), items));
    }

    private static object UrlEncode(TemplateRun run, object? value, TemplateBound arguments)
    {
        if (TemplateValues.AsText(value) is not null || !TemplateValues.IsIterable(value))
            return Quote(run, Soft(run, value), isQuery: false);
        var pairs = value is TemplateDictionary owner ? new TemplateView("dict_items", owner).Items : TemplateValues.Iterate(run, value);
        var parts = new List<object?>();
        foreach (var pair in pairs)
            parts.Add(TemplateValues.Items(run, pair) is [var key, var item]
                ? $"{Quote(run, Soft(run, key), isQuery: true)}={Quote(run, Soft(run, item), isQuery: true)}"
                : throw run.Error("urlencode needs pairs"));
        return JoinTexts(run, "&", parts, isStrict: true);
    }

    private static string Quote(TemplateRun run, string text, bool isQuery)
    {
        run.ChargeSize(3L * text.Length);
        var quoted = new StringBuilder();
        foreach (var b in Encoding.UTF8.GetBytes(text))
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~' || (b == '/' && !isQuery))
                quoted.Append((char)b);
            else if (b == ' ' && isQuery)
                quoted.Append('+');
            else
                quoted.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        return quoted.ToString();
    }

    private static object XmlAttributes(TemplateRun run, object? value, TemplateBound arguments)
    {
        if (value is not TemplateDictionary pairs)
            throw TemplateValues.Wrong(run, value, "xmlattr needs a mapping");
        var parts = new List<object?>();
        foreach (var (key, item) in pairs)
        {
            if (item is null or TemplateUndefined)
                continue;
            var name = TemplateValues.AsText(key.Value) ?? throw run.Error("xmlattr needs names that are texts");
            if (name.AsSpan().IndexOfAny(" \t\n\r\v\f/>=") >= 0)
                throw run.Error($"Invalid character in attribute name: {TemplateRepresentation.Of(run, key.Value)}");
            parts.Add($"{TemplateText.Escaped(run, key.Value).Text}=\"{TemplateText.Escaped(run, item).Text}\"");
        }
        var text = JoinTexts(run, " ", parts, isStrict: true);
        return run.Written(arguments.IsTrue(0, otherwise: true) && text.Length > 0 ? " " + text : text);
    }

    private static object FileSize(TemplateRun run, object? value, TemplateBound arguments)
    {
        var bytes = TemplateNumbers.IsNumber(value) ? TemplateNumbers.ToFloat(run, value)
            : TemplateValues.AsText(value) is { } text && TemplateNumbers.ParseFloat(text) is { } parsed ? parsed
            : throw TemplateValues.Wrong(run, value, "filesizeformat needs a number");
        var isBinary = arguments.IsTrue(0);
        double size = isBinary ? 1024 : 1000;
        if (bytes == 1)
            return "1 Byte";
        if (bytes < size)
            return $"{TemplateFormat.Truncated(run, bytes)} Bytes";
        var place = 0;
        for (; place < 7 && TemplateNumbers.Compare(bytes, BigInteger.Pow(isBinary ? 1024 : 1000, place + 2)) >= 0; place++)
        {
        }
        var prefix = isBinary ? "KMGTPEZY"[place] + "iB" : "kMGTPEZY"[place] + "B";
        return $"{TemplateNumberFormat.Body(run, size * bytes / Math.Pow(size, place + 2), 'f', 1, false)} {prefix}";
    }
}
