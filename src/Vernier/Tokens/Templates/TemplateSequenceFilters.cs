using static Vernier.Tokens.Templates.TemplateFilters;

namespace Vernier.Tokens.Templates;

/// <summary>Filters of lists, dictionaries and other sequences.</summary>
internal static class TemplateSequenceFilters
{
    public static IEnumerable<(string Name, string Parameters, TemplateFilter Call)> All { get; } =
    [
        ("length", "", (run, value, _) => TemplateValues.Length(run, value)),
        ("count", "", (run, value, _) => TemplateValues.Length(run, value)),
        ("default", "default_value= boolean=", Default),
        ("d", "default_value= boolean=", Default),
        ("list", "", (run, value, _) => TemplateValues.Items(run, value).ToList()),
        ("first", "", (run, value, _) => First(TemplateValues.Iterate(run, value), "No first item, sequence was empty.")),
        ("last", "", (run, value, _) => First(Reversed(run, value), "No last item, sequence was empty.")),
        ("reverse", "", (run, value, _) => TemplateValues.AsText(value) is { } text ? Like(value, TemplateText.Reverse(Soft(run, text)))
            : value is TemplateIterator ? Enumerable.Reverse(TemplateValues.Items(run, value)).ToList()
            : new TemplateIterator(value switch { List<object?> => "list_reverseiterator", TemplateDictionary => "dict_reversekeyiterator", TemplateRange => "range_iterator", _ => "reversed" }, Reversed(run, value))),
        ("items", "", Items),
        ("dictsort", "case_sensitive= by= reverse=", DictionarySort),
        ("attr", "name", (run, value, a) => TemplateMembers.AttributeOnly(run, value, a.Text(run, 0))),
        ("map", "* **", (run, value, a) => Lazy(value, () => Map(run, value, a))),
        ("select", "* **", (run, value, a) => Lazy(value, () => Select(run, value, a, byAttribute: false, wanted: true))),
        ("reject", "* **", (run, value, a) => Lazy(value, () => Select(run, value, a, byAttribute: false, wanted: false))),
        ("selectattr", "* **", (run, value, a) => Lazy(value, () => Select(run, value, a, byAttribute: true, wanted: true))),
        ("rejectattr", "* **", (run, value, a) => Lazy(value, () => Select(run, value, a, byAttribute: true, wanted: false))),
        ("sort", "reverse= case_sensitive= attribute=", (run, value, a) => TemplateValues.Sorted(
            run, TemplateValues.Items(run, value), Keys(run, a.Get(2), a.IsTrue(1)), a.IsTrue(0))),
        ("min", "case_sensitive= attribute=", (run, value, a) => Extreme(run, value, a, "<")),
        ("max", "case_sensitive= attribute=", (run, value, a) => Extreme(run, value, a, ">")),
        ("unique", "case_sensitive= attribute=", (run, value, a) => new TemplateIterator("generator", Unique(run, value, a))),
        ("groupby", "attribute default= case_sensitive=", GroupBy),
        ("batch", "linecount fill_with=", (run, value, a) => new TemplateIterator("generator", Batch(run, value, a))),
        ("slice", "slices fill_with=", (run, value, a) => new TemplateIterator("generator", Slices(run, value, a))),
    ];

    private static object? Default(TemplateRun run, object? value, TemplateBound arguments) =>
        value is TemplateUndefined || (arguments.IsTrue(1) && !TemplateValues.IsTrue(value)) ? arguments.Get(0, "") : value;

    private static object? First(IEnumerable<object?> items, string otherwise)
    {
        foreach (var item in items)
            return item;
        return new TemplateUndefined(otherwise);
    }

    private static IEnumerable<object?> Reversed(TemplateRun run, object? value)
    {
        var items = value is IReadOnlyList<object?> list ? list
            : value is TemplateIterator or TemplateLoop || !TemplateValues.IsIterable(value)
                ? throw run.Error($"'{TemplateValues.TypeName(value)}' object is not reversible")
            : TemplateValues.Items(run, value);
        return Backwards(items);

        static IEnumerable<object?> Backwards(IReadOnlyList<object?> items)
        {
            for (var i = items.Count - 1; i >= 0; i--)
                yield return items[i];
        }
    }

    private static object Items(TemplateRun run, object? value, TemplateBound arguments) => new TemplateIterator("generator", Pairs(run, value));

    private static IEnumerable<object?> Pairs(TemplateRun run, object? value)
    {
        if (value is TemplateUndefined)
            yield break;
        foreach (var pair in new TemplateView("dict_items", value as TemplateDictionary ?? throw run.Error("Can only get item pairs from a mapping.")).Items)
            yield return pair;
    }

    private static object DictionarySort(TemplateRun run, object? value, TemplateBound arguments)
    {
        var by = arguments.Get(1, "key");
        var place = TemplateValues.AsText(by) switch { "key" => 0, "value" => 1, _ => throw run.Error("You can only sort by either \"key\" or \"value\"") };
        if (value is not TemplateDictionary pairs)
            throw TemplateValues.Wrong(run, value, $"dictsort needs a mapping, not {TemplateValues.TypeName(value)}");
        run.ChargeItems(pairs.Count);
        return TemplateValues.Sorted(
            run, [.. new TemplateView("dict_items", pairs).Items], pair => Folded(((TemplateTuple)pair!)[place], arguments.IsTrue(0)), arguments.IsTrue(2));
    }

    /// <summary>A sequence that is read when it is needed, and nothing where the value is false, whatever it is.</summary>
    private static TemplateIterator Lazy(object? value, Func<IEnumerable<object?>> items)
    {
        IEnumerable<object?> Read()
        {
            if (TemplateValues.IsTrue(value))
                foreach (var item in items())
                    yield return item;
        }
        return new TemplateIterator("generator", Read());
    }

    private static IEnumerable<object?> Map(TemplateRun run, object? value, TemplateBound arguments)
    {
        if (arguments.Rest.Count == 0 && arguments.Named.TryGetValue("attribute", out var attribute))
        {
            foreach (var name in arguments.Named.Keys)
                if (name is not ("attribute" or "default"))
                    throw run.Error($"Unexpected keyword argument '{name}'");
            var otherwise = arguments.Named.GetValueOrDefault("default");
            return TemplateValues.Iterate(run, value).Select(item => Member(run, item, attribute, otherwise));
        }
        if (arguments.Rest.Count == 0)
            throw run.Error("map requires a filter argument");
        var filter = TemplateValues.AsText(arguments.Rest[0]) ?? throw run.Error("map needs the name of a filter");
        var rest = new TemplateArguments([.. arguments.Rest.Skip(1)], arguments.Named);
        return TemplateValues.Iterate(run, value).Select(item => Apply(run, filter, item, rest));
    }

    private static IEnumerable<object?> Select(TemplateRun run, object? value, TemplateBound arguments, bool byAttribute, bool wanted)
    {
        if (byAttribute && arguments.Rest.Count == 0)
            throw run.Error("Missing parameter for attribute name");
        var attribute = byAttribute ? arguments.Rest[0] : null;
        var at = byAttribute ? 1 : 0;
        var test = arguments.Rest.Count > at ? TemplateValues.AsText(arguments.Rest[at]) ?? throw run.Error("the name of a test has to be a text") : null;
        var rest = new TemplateArguments([.. arguments.Rest.Skip(at + 1)], arguments.Named);
        return TemplateValues.Iterate(run, value).Where(item =>
        {
            run.Charge();
            var judged = Member(run, item, attribute);
            return (test is null ? TemplateValues.IsTrue(judged) : TemplateTests.Holds(run, test, judged, rest)) == wanted;
        });
    }

    private static object? Folded(object? value, bool isCaseSensitive) =>
        !isCaseSensitive && TemplateValues.AsText(value) is { } text ? TemplateCasing.Lower(text) : value;

    /// <summary>Sorts by one attribute or by several with commas between.</summary>
    private static Func<object?, object?> Keys(TemplateRun run, object? attribute, bool isCaseSensitive)
    {
        var paths = TemplateValues.AsText(attribute) is { } text ? (object?[])text.Split(',') : [attribute];
        object? Key(object? item, object? path)
        {
            run.Charge(1 + (TemplateValues.AsText(item)?.Length ?? 0) / 4);
            return Folded(Member(run, item, path), isCaseSensitive);
        }
        return item => paths.Select(path => Key(item, path)).ToList();
    }

    private static object? Extreme(TemplateRun run, object? value, TemplateBound arguments, string order)
    {
        object? best = new TemplateUndefined("No aggregated item, sequence was empty.");
        object? bestKey = null;
        var isFirst = true;
        foreach (var item in TemplateValues.Iterate(run, value))
        {
            run.Charge(1 + (TemplateValues.AsText(item)?.Length ?? 0) / 8);
            var judged = Folded(Member(run, item, arguments.Get(1)), arguments.IsTrue(0));
            if (isFirst || TemplateValues.IsOrdered(run, order, judged, bestKey))
                (best, bestKey) = (item, judged);
            isFirst = false;
        }
        return best;
    }

    private static IEnumerable<object?> Unique(TemplateRun run, object? value, TemplateBound arguments)
    {
        var seen = new HashSet<TemplateKey>();
        foreach (var item in TemplateValues.Iterate(run, value))
            if (seen.Add(TemplateKey.Of(run, Folded(Member(run, item, arguments.Get(1)), arguments.IsTrue(0)))))
                yield return item;
    }

    private static object GroupBy(TemplateRun run, object? value, TemplateBound arguments)
    {
        var (attribute, otherwise) = (arguments.Get(0), arguments.Get(1));
        object? Key(object? item) => Folded(Member(run, item, attribute, otherwise), arguments.IsTrue(2));
        var groups = new List<object?>();
        List<object?>? group = null;
        object? last = null;
        foreach (var item in TemplateValues.Sorted(run, TemplateValues.Items(run, value), Key, isReverse: false))
        {
            var key = Key(item);
            if (group is null || !TemplateValues.AreEqual(run, last, key))
            {
                group = [];
                groups.Add(new TemplateGroup(Member(run, item, attribute, otherwise), group));
            }
            last = key;
            group.Add(item);
        }
        return groups;
    }

    private static IEnumerable<object?> Batch(TemplateRun run, object? value, TemplateBound arguments)
    {
        var count = arguments.Integer(run, 0);
        var batch = new List<object?>();
        foreach (var item in TemplateValues.Iterate(run, value))
        {
            run.Charge();
            if (batch.Count == count)
            {
                yield return batch;
                batch = [];
            }
            batch.Add(item);
        }
        if (batch.Count == 0)
            yield break;
        var missing = arguments.Get(1) is null ? 0 : Math.Max(0, count - batch.Count);
        run.ChargeItems(missing);
        batch.AddRange(Enumerable.Repeat(arguments.Get(1), (int)missing));
        yield return batch;
    }

    private static IEnumerable<object?> Slices(TemplateRun run, object? value, TemplateBound arguments)
    {
        var items = TemplateValues.Items(run, value);
        var count = arguments.Integer(run, 0);
        if (count == 0)
            throw run.Error("integer division or modulo by zero");
        var (each, longer) = ((int)(items.Count / count), items.Count % count);
        var at = 0;
        for (var i = 0L; i < count; i++)
        {
            run.Charge();
            var slice = items.GetRange(at, each + (i < longer ? 1 : 0));
            at += slice.Count;
            if (arguments.Get(1) is { } fill && i >= longer)
                slice.Add(fill);
            yield return slice;
        }
    }
}
