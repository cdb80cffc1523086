using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Members of values: Python's methods of text, list and dictionary that only read, and keys and places.</summary>
internal static class TemplateMembers
{
    /// <summary>The member of a value, or undefined.</summary>
    /// <param name="isAttribute">Written <c>owner.name</c>: a method goes before a key of the same name.</param>
    public static object? Get(TemplateRun run, object? owner, object? key, bool isAttribute)
    {
        if (key is string name)
        {
            if (isAttribute && Method(owner, name) is { } method)
                return method;
            return owner switch
            {
                TemplateDictionary pairs when pairs.TryGetValue(name, out var value) => value,
                TemplateNamespace space when space.Members.TryGetValue(name, out var value) => value,
                TemplateLoop loop => loop.Get(name),
                _ => Missing(owner, name),
            };
        }
        if (owner is not (string or List<object?>) || TemplateValues.AsInteger(key) is not { } place)
            return Missing(owner, TemplateValues.Text(run, key));
        var items = TemplateValues.Items(run, owner);
        if (place < 0)
            place += items.Count;
        return place >= 0 && place < items.Count ? items[(int)place] : Missing(owner, TemplateValues.Text(run, key));
    }

    private static TemplateUndefined Missing(object? owner, string name) => new($"'{TemplateValues.TypeName(owner)} object' has no attribute '{name}'");

    private static TemplateFunction? Method(object? owner, string name)
    {
        Func<TemplateRun, TemplateArguments, object?>? call = owner switch
        {
            string text => TextMethod(text, name),
            TemplateDictionary pairs => DictionaryMethod(pairs, name),
            List<object?> list => ListMethod(list, name),
            _ => null,
        };
        return call is null ? null : new TemplateFunction(name, (run, arguments) =>
        {
            if (owner is string text)
                run.ChargeSize(text.Length);
            return call(run, arguments);
        });
    }

    private static Func<TemplateRun, TemplateArguments, object?>? DictionaryMethod(TemplateDictionary pairs, string name) => name switch
    {
        "items" => (run, _) => Pairs(run, pairs),
        "keys" => (_, _) => pairs.Keys.Cast<object?>().ToList(),
        "values" => (_, _) => pairs.Values.ToList(),
        "get" => (_, arguments) => arguments.Get(0, "key") is string key && pairs.TryGetValue(key, out var value)
            ? value
            : arguments.Get(1, "default"),
        _ => null,
    };

    public static List<object?> Pairs(TemplateRun run, TemplateDictionary pairs)
    {
        run.Charge(pairs.Count);
        return [.. pairs.Select(pair => (object?)new List<object?> { pair.Key, pair.Value })];
    }

    private static Func<TemplateRun, TemplateArguments, object?>? ListMethod(List<object?> list, string name) => name switch
    {
        "count" => (_, arguments) => (long)list.Count(item => TemplateValues.Equals(item, arguments.Get(0, "value"))),
        "index" => (run, arguments) => list.FindIndex(item => TemplateValues.Equals(item, arguments.Get(0, "value"))) is >= 0 and var at
            ? (long)at
            : throw run.Error("the value is not in the list"),
        _ => null,
    };

    private static Func<TemplateRun, TemplateArguments, object?>? TextMethod(string text, string name) => name switch
    {
        "strip" => (_, arguments) => Strip(text, arguments, left: true, right: true),
        "lstrip" => (_, arguments) => Strip(text, arguments, left: true, right: false),
        "rstrip" => (_, arguments) => Strip(text, arguments, left: false, right: true),
        "upper" => (_, _) => text.ToUpperInvariant(),
        "lower" => (_, _) => text.ToLowerInvariant(),
        "title" => (_, _) => Title(text),
        "capitalize" => (_, _) => Capitalize(text),
        "startswith" => (run, arguments) => Affixes(run, arguments).Any(affix => text.StartsWith(affix, StringComparison.Ordinal)),
        "endswith" => (run, arguments) => Affixes(run, arguments).Any(affix => text.EndsWith(affix, StringComparison.Ordinal)),
        "removeprefix" => (run, arguments) => arguments.Text(run, 0, "prefix") is var prefix && text.StartsWith(prefix, StringComparison.Ordinal)
            ? text[prefix.Length..]
            : text,
        "removesuffix" => (run, arguments) => arguments.Text(run, 0, "suffix") is var suffix && text.EndsWith(suffix, StringComparison.Ordinal)
            ? text[..^suffix.Length]
            : text,
        "replace" => (run, arguments) => Replace(
            run, text, arguments.Text(run, 0, "old"), arguments.Text(run, 1, "new"), arguments.Integer(run, 2, "count", -1)),
        "split" => (run, arguments) => Split(run, text, arguments, fromRight: false),
        "rsplit" => (run, arguments) => Split(run, text, arguments, fromRight: true),
        "splitlines" => (_, _) => text.Length == 0 ? [] : Lines(text),
        "join" => (run, arguments) => Join(run, text, arguments.Get(0, "iterable")),
        "find" => (run, arguments) => (long)text.IndexOf(arguments.Text(run, 0, "sub"), StringComparison.Ordinal),
        "rfind" => (run, arguments) => (long)text.LastIndexOf(arguments.Text(run, 0, "sub"), StringComparison.Ordinal),
        "count" => (run, arguments) => Occurrences(text, arguments.Text(run, 0, "sub")),
        "isdigit" => (_, _) => text.Length > 0 && text.All(char.IsDigit),
        "isalpha" => (_, _) => text.Length > 0 && text.All(char.IsLetter),
        "isalnum" => (_, _) => text.Length > 0 && text.All(char.IsLetterOrDigit),
        "isspace" => (_, _) => text.Length > 0 && text.All(char.IsWhiteSpace),
        "isupper" => (_, _) => text.Any(char.IsUpper) && !text.Any(char.IsLower),
        "islower" => (_, _) => text.Any(char.IsLower) && !text.Any(char.IsUpper),
        _ => null,
    };

    public static string Strip(string text, TemplateArguments arguments, bool left, bool right)
    {
        var chars = arguments.Get(0, "chars") as string;
        bool Goes(char c) => chars is null ? char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f' : chars.Contains(c);
        var (start, end) = (0, text.Length);
        while (left && start < end && Goes(text[start]))
            start++;
        while (right && end > start && Goes(text[end - 1]))
            end--;
        return text[start..end];
    }

    public static string Capitalize(string text) =>
        text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant();

    public static string Title(string text)
    {
        var titled = new StringBuilder(text.Length);
        var isAfterLetter = false;
        foreach (var c in text)
        {
            titled.Append(isAfterLetter ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            isAfterLetter = char.IsLetter(c);
        }
        return titled.ToString();
    }

    public static string Replace(TemplateRun run, string text, string old, string @new, long most)
    {
        var count = most < 0 ? long.MaxValue : most;
        if (old.Length == 0)
            throw run.Error("replacing an empty text is not done here");
        run.ChargeSize(text.Length);
        run.ChargeSize(text.Length + Math.Min(count, Occurrences(text, old)) * Math.Max(0L, @new.Length - old.Length));
        var replaced = new StringBuilder();
        var at = 0;
        for (int found; count-- > 0 && (found = text.IndexOf(old, at, StringComparison.Ordinal)) >= 0; at = found + old.Length)
            replaced.Append(text, at, found - at).Append(@new);
        return replaced.Append(text, at, text.Length - at).ToString();
    }

    public static string Join(TemplateRun run, string separator, object? items)
    {
        var joined = new StringBuilder();
        var isFirst = true;
        foreach (var item in TemplateValues.Items(run, items))
        {
            if (!isFirst)
                joined.Append(separator);
            isFirst = false;
            joined.Append(TemplateValues.Text(run, item));
            run.ChargeSize(joined.Length);
        }
        return joined.ToString();
    }

    private static long Occurrences(string text, string part) => part.Length == 0 ? text.Length + 1 : text.AsSpan().Count(part);

    private static IEnumerable<string> Affixes(TemplateRun run, TemplateArguments arguments) => arguments.Get(0, "prefix") switch
    {
        string one => [one],
        List<object?> many => many.OfType<string>(),
        _ => throw run.Error("startswith and endswith need a text or a list of texts"),
    };

    private static List<object?> Lines(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        return [.. lines[^1].Length == 0 ? lines[..^1] : lines];
    }

    private static List<object?> Split(TemplateRun run, string text, TemplateArguments arguments, bool fromRight)
    {
        run.ChargeSize(text.Length);
        var most = arguments.Integer(run, 1, "maxsplit", -1);
        var limit = most < 0 ? int.MaxValue : (int)Math.Min(most, int.MaxValue - 1) + 1;
        if (arguments.Get(0, "sep") is not string separator)
            return SplitAtSpaces(text, limit);
        if (separator.Length == 0)
            throw run.Error("empty separator");
        var parts = text.Split(separator);
        if (parts.Length <= limit)
            return [.. parts];
        return fromRight
            ? [string.Join(separator, parts[..^(limit - 1)]), .. parts[^(limit - 1)..]]
            : [.. parts[..(limit - 1)], string.Join(separator, parts[(limit - 1)..])];
    }

    private static List<object?> SplitAtSpaces(string text, int limit)
    {
        var parts = new List<object?>();
        var rest = text.AsSpan().Trim();
        while (rest.Length > 0)
        {
            var end = 0;
            while (end < rest.Length && (parts.Count == limit - 1 || !char.IsWhiteSpace(rest[end])))
                end++;
            parts.Add(rest[..end].ToString());
            rest = rest[end..].TrimStart();
        }
        return parts;
    }
}
