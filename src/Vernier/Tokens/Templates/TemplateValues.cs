using System.Numerics;

namespace Vernier.Tokens.Templates;

/// <summary>Python's rules for the values of a template: truth, equality, order, length, what a loop sees.</summary>
internal static class TemplateValues
{
    public static bool IsTrue(object? value) => value switch
    {
        null or TemplateUndefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        TemplateMarkup markup => markup.Text.Length > 0,
        IReadOnlyList<object?> items => items.Count > 0,
        TemplateDictionary pairs => pairs.Count > 0,
        TemplateView view => view.Owner.Count > 0,
        _ => true,
    };

    public static string TypeName(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        string => "str",
        TemplateMarkup => "Markup",
        List<object?> => "list",
        TemplateTuple => "tuple",
        TemplateRange => "range",
        TemplateDictionary => "dict",
        TemplateView view => view.Kind,
        TemplateUndefined => "Undefined",
        TemplateNamespace => "Namespace",
        TemplateIterator iterator => iterator.Kind,
        TemplateLoop => "LoopContext",
        TemplateObject other => other.Type,
        _ => "function",
    };

    /// <summary>The text of a value that is one, or null.</summary>
    public static string? AsText(object? value) => value as string ?? (value as TemplateMarkup)?.Text;

    /// <summary>The error of using a value that is not defined, or null where it is.</summary>
    public static TemplateException? Undefined(TemplateRun run, object? value) =>
        value is TemplateUndefined undefined ? run.Error(undefined.Why) : null;

    /// <summary>The error of using a value of a wrong type.</summary>
    public static TemplateException Wrong(TemplateRun run, object? value, string message) => Undefined(run, value) ?? run.Error(message);

    public static bool AreEqual(TemplateRun run, object? left, object? right)
    {
        run.Charge();
        if (TemplateNumbers.IsNumber(left) && TemplateNumbers.IsNumber(right))
            return TemplateNumbers.Compare(left, right) == 0;
        if (AsText(left) is { } a && AsText(right) is { } b)
        {
            run.Charge(a.Length == b.Length ? a.Length / 32 : 0);
            return a == b;
        }
        return (left, right) switch
        {
            (null, null) or (TemplateUndefined, TemplateUndefined) => true,
            (List<object?> first, List<object?> second) => SameItems(run, first, second),
            (TemplateTuple first, TemplateTuple second) => SameItems(run, first, second),
            (TemplateRange first, TemplateRange second) => first.Count == second.Count
                && (first.Count == 0 || (first.Start == second.Start && (first.Count == 1 || first.Step == second.Step))),
            (TemplateDictionary first, TemplateDictionary second) => SamePairs(run, first, second),
            (TemplateView { Kind: "dict_keys" } first, TemplateView { Kind: "dict_keys" } second) =>
                first.Owner.Count == second.Owner.Count && first.Owner.Keys.All(second.Owner.ContainsKey),
            (TemplateView { Kind: "dict_items" } first, TemplateView { Kind: "dict_items" } second) => SamePairs(run, first.Owner, second.Owner),
            _ => ReferenceEquals(left, right),
        };
    }

    private static bool SameItems(TemplateRun run, IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        if (ReferenceEquals(left, right))
            return true;
        if (left.Count != right.Count)
            return false;
        run.Enter();
        var at = FirstDifference(run, left, right);
        run.Leave();
        return at == left.Count;
    }

    private static bool SamePairs(TemplateRun run, TemplateDictionary left, TemplateDictionary right)
    {
        if (ReferenceEquals(left, right))
            return true;
        if (left.Count != right.Count)
            return false;
        run.Enter();
        var isSame = true;
        foreach (var (key, value) in left)
            if (isSame)
                isSame = right.TryGetValue(key, out var other) && (ReferenceEquals(value, other) || AreEqual(run, value, other));
        run.Leave();
        return isSame;
    }

    private static int FirstDifference(TemplateRun run, IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        var at = 0;
        for (var end = Math.Min(left.Count, right.Count); at < end; at++)
            if (!ReferenceEquals(left[at], right[at]) && !AreEqual(run, left[at], right[at]))
                break;
        return at;
    }

    /// <summary>Whether <c>left name right</c> holds, for &lt;, &lt;=, &gt; and &gt;=.</summary>
    public static bool IsOrdered(TemplateRun run, string name, object? left, object? right)
    {
        run.Charge();
        if (TemplateNumbers.IsNumber(left) && TemplateNumbers.IsNumber(right))
            return TemplateNumbers.Compare(left, right) is { } numbers && Holds(name, numbers);
        if (AsText(left) is { } a && AsText(right) is { } b)
        {
            run.Charge(Math.Min(a.Length, b.Length) / 32);
            return Holds(name, TemplateText.Compare(a, b));
        }
        if (left is List<object?> or TemplateTuple && left.GetType() == right?.GetType())
        {
            var (first, second) = ((IReadOnlyList<object?>)left, (IReadOnlyList<object?>)right);
            run.Enter();
            var at = FirstDifference(run, first, second);
            var holds = at < first.Count && at < second.Count
                ? IsOrdered(run, name, first[at], second[at])
                : Holds(name, first.Count.CompareTo(second.Count));
            run.Leave();
            return holds;
        }
        throw Undefined(run, left) ?? Wrong(run, right, $"'{name}' not supported between instances of '{TypeName(left)}' and '{TypeName(right)}'");
    }

    private static bool Holds(string name, int order) => name switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, _ => order >= 0 };

    /// <summary>Whether <c>left name right</c> holds, for every comparison.</summary>
    public static bool Holds(TemplateRun run, string name, object? left, object? right) => name switch
    {
        "==" => AreEqual(run, left, right),
        "!=" => !AreEqual(run, left, right),
        "in" => Contains(run, right, left),
        "not in" => !Contains(run, right, left),
        _ => IsOrdered(run, name, left, right),
    };

    public static long Length(TemplateRun run, object? value)
    {
        if (AsText(value) is { } text)
        {
            run.Charge(text.Length / 64);
            return TemplateText.Count(text);
        }
        return value switch
        {
            IReadOnlyList<object?> items => items.Count,
            TemplateDictionary pairs => pairs.Count,
            TemplateView view => view.Owner.Count,
            TemplateUndefined => 0,
            TemplateLoop loop => loop.Length(run),
            _ => throw run.Error($"object of type '{TypeName(value)}' has no len()"),
        };
    }

    public static bool IsIterable(object? value) => value is string or TemplateMarkup or IReadOnlyList<object?> or TemplateDictionary
        or TemplateView or TemplateUndefined or TemplateIterator or TemplateLoop;

    /// <summary>The items that a loop over the value sees: characters, elements or keys. Each is charged when it is taken.</summary>
    public static IEnumerable<object?> Iterate(TemplateRun run, object? value) => value switch
    {
        IReadOnlyList<object?> items => items,
        TemplateDictionary pairs => pairs.Keys.Select(key => key.Value),
        TemplateView view => view.Items,
        TemplateUndefined => [],
        TemplateIterator iterator => iterator.Rest(run),
        _ => AsText(value) is { } text ? TemplateText.Characters(text) : throw run.Error($"'{TypeName(value)}' object is not iterable"),
    };

    /// <summary>The items of a value as a list of its own or the value itself.</summary>
    public static List<object?> Items(TemplateRun run, object? value)
    {
        if (value is List<object?> list)
        {
            run.Charge(1 + list.Count / 16);
            return list;
        }
        var items = new List<object?>();
        foreach (var item in Iterate(run, value))
        {
            run.Charge();
            items.Add(item);
        }
        return items;
    }

    public static bool Contains(TemplateRun run, object? container, object? item)
    {
        if (AsText(container) is { } text)
            return AsText(item) is { } part
                ? TemplateText.Find(run, text, part, 0, text.Length) >= 0
                : throw run.Error($"'in <string>' requires string as left operand, not {TypeName(item)}");
        if (container is TemplateDictionary pairs)
            return pairs.ContainsKey(TemplateKey.Of(run, item));
        if (container is TemplateView { Kind: "dict_keys" } keys)
            return keys.Owner.ContainsKey(TemplateKey.Of(run, item));
        if (!IsIterable(container))
            throw run.Error($"argument of type '{TypeName(container)}' is not iterable");
        foreach (var other in Iterate(run, container))
            if (ReferenceEquals(item, other) || AreEqual(run, item, other))
                return true;
        return false;
    }

    /// <summary>Sorts as Python does: stable, by "less than" alone, which may refuse.</summary>
    public static List<object?> Sorted(TemplateRun run, List<object?> items, Func<object?, object?> key, bool isReverse)
    {
        var order = items.Select(item => (Key: key(item), Item: item)).ToArray();
        run.ChargeItems(order.Length);
        var spare = new (object? Key, object? Item)[order.Length];
        for (var width = 1; width < order.Length; width *= 2, (order, spare) = (spare, order))
            for (var from = 0; from < order.Length; from += 2 * width)
                Merge(run, order, spare, from, Math.Min(from + width, order.Length), Math.Min(from + 2 * width, order.Length), isReverse);
        return [.. order.Select(entry => entry.Item)];
    }

    private static void Merge(TemplateRun run, (object? Key, object? Item)[] from, (object? Key, object? Item)[] to, int start, int middle, int end, bool isReverse)
    {
        var (left, right) = (start, middle);
        for (var at = start; at < end; at++)
        {
            var takesRight = right < end && (left >= middle
                || (isReverse ? IsOrdered(run, "<", from[left].Key, from[right].Key) : IsOrdered(run, "<", from[right].Key, from[left].Key)));
            to[at] = takesRight ? from[right++] : from[left++];
        }
    }
}
