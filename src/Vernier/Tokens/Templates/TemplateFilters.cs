using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>What can stand after <c>|</c>.</summary>
internal static class TemplateFilters
{
    private delegate object? Filter(TemplateRun run, object? value, TemplateArguments arguments);

    private static readonly FrozenDictionary<string, Filter> ByName = new Dictionary<string, Filter>
    {
        ["trim"] = (run, value, arguments) => TemplateMembers.Strip(Text(run, value), arguments, left: true, right: true),
        ["upper"] = (run, value, _) => Text(run, value).ToUpperInvariant(),
        ["lower"] = (run, value, _) => Text(run, value).ToLowerInvariant(),
        ["title"] = (run, value, _) => TemplateMembers.Title(Text(run, value)),
        ["capitalize"] = (run, value, _) => TemplateMembers.Capitalize(Text(run, value)),
        ["string"] = (run, value, _) => Text(run, value),
        ["safe"] = (_, value, _) => value,
        ["escape"] = (run, value, _) => Escape(Text(run, value)),
        ["e"] = (run, value, _) => Escape(Text(run, value)),
        ["replace"] = (run, value, arguments) => TemplateMembers.Replace(
            run, Text(run, value), arguments.Text(run, 0, "old"), arguments.Text(run, 1, "new"), TemplateValues.AsInteger(arguments.Get(2, "count")) ?? -1),
        ["indent"] = Indent,
        ["length"] = (run, value, _) => TemplateValues.Length(run, value),
        ["count"] = (run, value, _) => TemplateValues.Length(run, value),
        ["tojson"] = (run, value, arguments) => TemplateJson.Write(
            run, value, TemplateValues.AsInteger(arguments.Get(0, "indent")) is { } indent ? (int)Math.Clamp(indent, 0, 16) : null,
            TemplateValues.IsTrue(arguments.Named.GetValueOrDefault("sort_keys"))),
        ["default"] = Default,
        ["d"] = Default,
        ["int"] = (_, value, arguments) => ToInteger(value) ?? arguments.Get(0, "default", 0L),
        ["float"] = (_, value, arguments) => ToFloat(value) ?? arguments.Get(0, "default", 0.0),
        ["abs"] = (run, value, _) => value is double number ? Math.Abs(number)
            : TemplateValues.IsTrue(CompareExpression.Holds(run, "<", value, 0L)) ? TemplateValues.Calculate(run, "-", 0L, value) : value,
        ["round"] = (run, value, arguments) => value is long ? value : Math.Round(
            TemplateValues.AsNumber(value) ?? throw run.Error("round needs a number"), (int)Math.Clamp(arguments.Integer(run, 0, "precision", 0), 0, 15)),
        ["list"] = (run, value, _) => TemplateValues.Items(run, value).ToList(),
        ["first"] = (run, value, _) => TemplateValues.Items(run, value) is [var first, ..] ? first : new TemplateUndefined("No first item, sequence was empty."),
        ["last"] = (run, value, _) => TemplateValues.Items(run, value) is [.., var last] ? last : new TemplateUndefined("No last item, sequence was empty."),
        ["join"] = Join,
        ["items"] = (run, value, _) => value switch
        {
            TemplateDictionary pairs => TemplateMembers.Pairs(run, pairs),
            TemplateUndefined => new List<object?>(),
            _ => throw run.Error("Can only get item pairs from a mapping."),
        },
        ["dictsort"] = (run, value, _) => value is TemplateDictionary pairs
            ? TemplateMembers.Pairs(run, pairs).OrderBy(pair => (string)((List<object?>)pair!)[0]!, StringComparer.OrdinalIgnoreCase).ToList()
            : throw run.Error("dictsort needs a mapping"),
        ["attr"] = (run, value, arguments) => TemplateMembers.Get(run, value, arguments.Get(0, "name"), isAttribute: true),
        ["map"] = Map,
        ["select"] = (run, value, arguments) => Select(run, value, arguments, attribute: null, wanted: true),
        ["reject"] = (run, value, arguments) => Select(run, value, arguments, attribute: null, wanted: false),
        ["selectattr"] = (run, value, arguments) => Select(run, value, arguments.From(1), arguments.Text(run, 0, "attribute"), wanted: true),
        ["rejectattr"] = (run, value, arguments) => Select(run, value, arguments.From(1), arguments.Text(run, 0, "attribute"), wanted: false),
        ["reverse"] = (run, value, _) => value is string
            ? string.Concat(Enumerable.Reverse(TemplateValues.Items(run, value)))
            : Enumerable.Reverse(TemplateValues.Items(run, value)).ToList(),
        ["sort"] = Sort,
        ["min"] = (run, value, _) => Sorted(run, TemplateValues.Items(run, value)) is [var least, ..] ? least : new TemplateUndefined("No aggregated item, sequence was empty."),
        ["max"] = (run, value, _) => Sorted(run, TemplateValues.Items(run, value)) is [.., var most] ? most : new TemplateUndefined("No aggregated item, sequence was empty."),
        ["sum"] = (run, value, _) => TemplateValues.Items(run, value).Aggregate((object?)0L, (sum, item) => TemplateValues.Calculate(run, "+", sum, item)),
        ["unique"] = Unique,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static object? Apply(TemplateRun run, string name, object? value, TemplateArguments arguments) => ByName.TryGetValue(name, out var filter)
        ? filter(run, value, arguments)
        : throw run.Error($"no filter named '{name}'");

    private static string Text(TemplateRun run, object? value)
    {
        var text = TemplateValues.Text(run, value);
        run.ChargeSize(text.Length);
        return text;
    }

    private static string Escape(string text) => text
        .Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("'", "&#39;").Replace("\"", "&#34;");

    private static object? Default(TemplateRun run, object? value, TemplateArguments arguments) =>
        value is TemplateUndefined || (TemplateValues.IsTrue(arguments.Get(1, "boolean")) && !TemplateValues.IsTrue(value))
            ? arguments.Get(0, "default_value", "")
            : value;

    private static object Indent(TemplateRun run, object? value, TemplateArguments arguments)
    {
        var blanks = arguments.Get(0, "width", 4L) is string given ? given : new string(' ', (int)Math.Clamp(arguments.Integer(run, 0, "width", 4), 0, 1000));
        var (first, blank) = (TemplateValues.IsTrue(arguments.Get(1, "first")), TemplateValues.IsTrue(arguments.Get(2, "blank")));
        var lines = Text(run, value).Split('\n');
        run.ChargeSize((long)lines.Length * blanks.Length);
        var indented = new StringBuilder();
        for (var i = 0; i < lines.Length; i++)
            indented.Append(i > 0 ? "\n" : "").Append((i > 0 ? blank || lines[i].Length > 0 : first) ? blanks : "").Append(lines[i]);
        return indented.ToString();
    }

    private static object? ToInteger(object? value) => value switch
    {
        double number when double.IsFinite(number) && Math.Abs(number) < 9e18 => (long)number,
        string text when long.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        string text when ToFloat(text) is double number => ToInteger(number),
        _ => TemplateValues.AsInteger(value) is { } whole ? whole : null,
    };

    private static object? ToFloat(object? value) => value switch
    {
        string text when double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        _ => TemplateValues.AsNumber(value) is { } number ? number : null,
    };

    private static object Join(TemplateRun run, object? value, TemplateArguments arguments)
    {
        if (arguments.Get(1, "attribute") is string attribute)
            value = TemplateValues.Items(run, value).Select(item => Member(run, item, attribute)).ToList();
        return TemplateMembers.Join(run, TemplateValues.Text(run, arguments.Get(0, "d", "")), value);
    }

    private static object Map(TemplateRun run, object? value, TemplateArguments arguments)
    {
        var items = TemplateValues.Items(run, value);
        if (arguments.Named.TryGetValue("attribute", out var attribute))
        {
            arguments.Named.TryGetValue("default", out var otherwise);
            return items.Select(item => Member(run, item, TemplateValues.Text(run, attribute)) is var found
                && found is TemplateUndefined && arguments.Named.ContainsKey("default") ? otherwise : found).ToList();
        }
        var name = arguments.Text(run, 0, "filter");
        var rest = arguments.From(1);
        return items.Select(item => Apply(run, name, item, rest)).ToList();
    }

    private static object Select(TemplateRun run, object? value, TemplateArguments arguments, string? attribute, bool wanted)
    {
        var test = arguments.Placed.Count > 0 ? arguments.Text(run, 0, "test") : null;
        var rest = arguments.From(1);
        var kept = new List<object?>();
        foreach (var item in TemplateValues.Items(run, value))
        {
            run.Charge();
            var judged = attribute is null ? item : Member(run, item, attribute);
            if ((test is null ? TemplateValues.IsTrue(judged) : TemplateTests.Holds(run, test, judged, rest)) == wanted)
                kept.Add(item);
        }
        return kept;
    }

    /// <summary>A member by a path such as <c>function.name</c>.</summary>
    private static object? Member(TemplateRun run, object? item, string path)
    {
        foreach (var name in path.Split('.'))
        {
            run.Charge();
            object key = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? place : name;
            item = TemplateMembers.Get(run, item, key, isAttribute: false);
        }
        return item;
    }

    private static object Sort(TemplateRun run, object? value, TemplateArguments arguments)
    {
        var items = TemplateValues.Items(run, value);
        var sorted = Sorted(run, items, arguments.Named.GetValueOrDefault("attribute") as string,
            foldsCase: !TemplateValues.IsTrue(arguments.Get(1, "case_sensitive")));
        if (TemplateValues.IsTrue(arguments.Get(0, "reverse")))
            sorted.Reverse();
        return sorted;
    }

    private static List<object?> Sorted(TemplateRun run, List<object?> items, string? attribute = null, bool foldsCase = true)
    {
        run.Charge(items.Count * 4L);
        object? Key(object? item) => (attribute is null ? item : Member(run, item, attribute)) is var key && key is string text && foldsCase ? text.ToLowerInvariant() : key;
        var order = Comparer<object?>.Create((left, right) =>
        {
            run.Charge();
            return TemplateValues.Compare(left, right)
                ?? throw run.Error($"'<' not supported between instances of '{TemplateValues.TypeName(left)}' and '{TemplateValues.TypeName(right)}'");
        });
        return [.. items.OrderBy(Key, order)];
    }

    private static object Unique(TemplateRun run, object? value, TemplateArguments arguments)
    {
        var kept = new List<object?>();
        foreach (var item in TemplateValues.Items(run, value))
        {
            run.Charge(kept.Count);
            if (!kept.Exists(other => TemplateValues.Equals(item, other)))
                kept.Add(item);
        }
        return kept;
    }
}
