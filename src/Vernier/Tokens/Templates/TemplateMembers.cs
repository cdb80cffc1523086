namespace Vernier.Tokens.Templates;

/// <summary>Members of values: Python's methods that only read, keys, places and slices.</summary>
internal static class TemplateMembers
{
    /// <summary>Methods that change a list or a dictionary: a chat template's sandbox hides them.</summary>
    private static readonly HashSet<string> Changing =
        ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove", "setdefault", "popitem", "update"];

    /// <summary><c>owner.name</c>: a method goes before a key of the same name.</summary>
    public static object? Attribute(TemplateRun run, object? owner, string name)
    {
        if (owner is TemplateUndefined)
            throw TemplateValues.Undefined(run, owner)!;
        return TryAttribute(run, owner, name, out var found) || TryItem(run, owner, name, out found) ? found : Missing(run, owner, name);
    }

    /// <summary><c>owner[key]</c>: a key or place goes before a method of the same name.</summary>
    public static object? Item(TemplateRun run, object? owner, object? key)
    {
        if (owner is TemplateUndefined)
            throw TemplateValues.Undefined(run, owner)!;
        if (TryItem(run, owner, key, out var found) || (TemplateValues.AsText(key) is { } name && TryAttribute(run, owner, name, out found)))
            return found;
        return Missing(run, owner, key);
    }

    /// <summary>Only what <c>owner.name</c> is without regard to keys.</summary>
    public static object? AttributeOnly(TemplateRun run, object? owner, string name) =>
        owner is TemplateUndefined ? throw TemplateValues.Undefined(run, owner)!
        : TryAttribute(run, owner, name, out var found) ? found : Missing(run, owner, name);

    private static TemplateUndefined Missing(TemplateRun run, object? owner, object? key) => new(TemplateValues.AsText(key) is { } name
        ? $"'{TypeText(owner)}' has no attribute '{name}'"
        : $"{TypeText(owner)} has no element {TemplateRepresentation.Of(run, key)}");

    private static string TypeText(object? owner) => owner is null ? "None" : $"{TemplateValues.TypeName(owner)} object";

    private static bool TryAttribute(TemplateRun run, object? owner, string name, out object? found)
    {
        found = null;
        if (owner is List<object?> or TemplateDictionary && Changing.Contains(name) && HasMethod(owner, name))
        {
            found = new TemplateUndefined($"access to attribute '{name}' of '{TemplateValues.TypeName(owner)}' object is unsafe.");
            return true;
        }
        switch (owner)
        {
            case string or TemplateMarkup:
                found = TemplateTextMethods.Find(owner, name);
                return found is not null;
            case TemplateNamespace space:
                return space.Members.TryGetValue(name, out found);
            case TemplateFunction function:
                return function.Members.TryGetValue(name, out found);
            case TemplateLoop loop:
                found = loop.Get(run, name);
                return found is not TemplateUndefined || name is "previtem" or "nextitem";
            case TemplateObject other:
                found = other.Get(name);
                return found is not null;
            case TemplateGroup group when name is "grouper" or "list":
                found = group.Get(name);
                return true;
        }
        found = TemplateMethods.Find(owner, name);
        return found is not null;
    }

    private static bool HasMethod(object owner, string name) => owner is TemplateDictionary
        ? name is "clear" or "pop" or "popitem" or "setdefault" or "update"
        : name is not ("setdefault" or "popitem" or "update");

    private static bool TryItem(TemplateRun run, object? owner, object? key, out object? found)
    {
        found = null;
        if (owner is TemplateDictionary pairs)
            return key is not (List<object?> or TemplateDictionary) && pairs.TryGetValue(TemplateKey.Of(run, key), out found);
        if (TemplateNumbers.AsClamped(key) is not { } place)
            return false;
        if (TemplateValues.AsText(owner) is { } text)
            return TryCharacter(run, owner!, text, place, out found);
        if (owner is not IReadOnlyList<object?> items)
            return false;
        place += place < 0 ? items.Count : 0;
        if (place < 0 || place >= items.Count)
            return false;
        found = items[(int)place];
        return true;
    }

    private static bool TryCharacter(TemplateRun run, object owner, string text, long place, out object? found)
    {
        run.Charge(text.Length / 64);
        found = null;
        var count = TemplateText.Count(text);
        place += place < 0 ? count : 0;
        if (place < 0 || place >= count)
            return false;
        var at = TemplateText.ToIndex(text, place);
        var character = char.IsSurrogatePair(text, at) ? text.Substring(at, 2) : text[at].ToString();
        found = owner is TemplateMarkup ? new TemplateMarkup(character) : character;
        return true;
    }

    /// <summary><c>owner[start:stop:step]</c>.</summary>
    public static object Slice(TemplateRun run, object? owner, object? start, object? stop, object? step)
    {
        var text = TemplateValues.AsText(owner);
        if (text is null && owner is not IReadOnlyList<object?>)
            throw TemplateValues.Wrong(run, owner, $"'{TemplateValues.TypeName(owner)}' object cannot be sliced");
        var by = Bound(run, step) ?? 1;
        if (by == 0)
            throw run.Error("slice step cannot be zero");
        run.Charge((text?.Length ?? 0) / 64);
        var count = text is not null ? TemplateText.Count(text) : ((IReadOnlyList<object?>)owner!).Count;
        var from = Place(Bound(run, start), count, by > 0 ? 0 : count - 1L, by);
        var to = Place(Bound(run, stop), count, by > 0 ? count : -1, by);
        var taken = (int)Int128.Max(0, by > 0 ? (to - from + (Int128)by - 1) / by : (from - to - (Int128)by - 1) / -(Int128)by);
        if (text is not null)
            return owner is TemplateMarkup ? new TemplateMarkup(Part(run, text, from, by, taken)) : Part(run, text, from, by, taken);
        run.ChargeItems(taken);
        var items = (IReadOnlyList<object?>)owner!;
        if (owner is TemplateRange range)
            return new TemplateRange(range.Start + from * range.Step, range.Start + to * range.Step, unchecked(by * range.Step), taken);
        var part = Enumerable.Range(0, taken).Select(i => items[(int)(from + i * by)]);
        return owner is TemplateTuple ? new TemplateTuple([.. part]) : part.ToList();
    }

    private static string Part(TemplateRun run, string text, long from, long by, int taken)
    {
        run.ChargeSize(taken);
        if (taken == 0)
            return "";
        if (by == 1)
            return text[TemplateText.ToIndex(text, from)..TemplateText.ToIndex(text, from + taken)];
        if (!TemplateText.HasPairs(text))
            return string.Create(taken, (text, from, by), static (to, s) =>
            {
                for (var i = 0; i < to.Length; i++)
                    to[i] = s.text[(int)(s.from + i * s.by)];
            });
        run.Charge(text.Length);
        var characters = TemplateText.Characters(text).ToList();
        return string.Concat(Enumerable.Range(0, taken).Select(i => characters[(int)(from + i * by)]));
    }

    private static long? Bound(TemplateRun run, object? value) => value is null ? null
        : TemplateNumbers.AsClamped(value) ?? throw TemplateValues.Wrong(run, value, "slice indices must be integers or None");

    private static long Place(long? given, int count, long otherwise, long step)
    {
        if (given is not { } place)
            return otherwise;
        if (place < 0)
            place = Math.Max(place + count, step > 0 ? 0 : -1);
        return Math.Min(place, step > 0 ? count : count - 1);
    }
}
