using System.Collections;
using System.Numerics;

namespace Vernier.Tokens.Templates;

/// <summary>A name or member that does not exist: prints nothing, is false and empty, and may not be used further.</summary>
/// <param name="why">What to say when it is used.</param>
internal sealed class TemplateUndefined(string why)
{
    public string Why => why;
}

/// <summary>A text that is HTML already: what is added to it is escaped, as Python's markupsafe does it.</summary>
internal sealed class TemplateMarkup(string text)
{
    public string Text => text;
}

/// <summary>A sequence that cannot change, printed in round brackets.</summary>
internal class TemplateTuple(params object?[] items) : IReadOnlyList<object?>
{
    public int Count => items.Length;

    public object? this[int index] => items[index];

    public IEnumerator<object?> GetEnumerator() => ((IEnumerable<object?>)items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A group that <c>groupby</c> made.</summary>
internal sealed class TemplateGroup(object? grouper, List<object?> list) : TemplateTuple(grouper, list)
{
    public object? Get(string name) => name == "list" ? list : grouper;
}

/// <summary>The numbers that <c>range</c> counts.</summary>
internal sealed class TemplateRange(long start, long stop, long step, int count) : IReadOnlyList<object?>
{
    public int Count => count;

    public long Start => start;

    public long Step => step;

    public object? this[int index] => start + step * index;

    public string Text => step == 1 ? $"range({start}, {stop})" : $"range({start}, {stop}, {step})";

    public IEnumerator<object?> GetEnumerator()
    {
        for (var i = 0; i < count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A key of a dictionary: 1, 1.0 and true are the same one.</summary>
internal readonly struct TemplateKey : IEquatable<TemplateKey>
{
    private readonly object? _comparable;

    /// <summary>A key that is a text.</summary>
    public TemplateKey(string text) => Value = _comparable = text;

    private TemplateKey(object? value, object? comparable) => (Value, _comparable) = (value, comparable);

    /// <summary>The value as it was given.</summary>
    public object? Value { get; }

    /// <summary>The key that a value makes; lists and dictionaries make none.</summary>
    public static TemplateKey Of(TemplateRun run, object? value) => new(value, Comparable(run, value));

    public bool Equals(TemplateKey other) => Equals(_comparable, other._comparable);

    public override bool Equals(object? obj) => obj is TemplateKey other && Equals(other);

    public override int GetHashCode() => _comparable?.GetHashCode() ?? 0;

    private static object? Comparable(TemplateRun run, object? value)
    {
        run.Charge();
        switch (value)
        {
            case string text:
                run.Charge(text.Length / 16);
                return text;
            case TemplateMarkup markup:
                return Comparable(run, markup.Text);
            case bool flag:
                return flag ? 1L : 0L;
            case TemplateUndefined:
                return typeof(TemplateUndefined);
            case double number when Math.Floor(number) == number && double.IsFinite(number):
                return TemplateNumbers.Normal(new BigInteger(number));
            case TemplateTuple tuple:
                run.Charge(4);
                run.Enter();
                var parts = new Parts([.. tuple.Select(item => Comparable(run, item))]);
                run.Leave();
                return parts;
            case List<object?> or TemplateDictionary or TemplateView:
                throw run.Error($"unhashable type: '{TemplateValues.TypeName(value)}'");
            default:
                return value;
        }
    }

    /// <summary>The parts of a tuple, compared one by one.</summary>
    private sealed class Parts(object?[] items)
    {
        private readonly object?[] _items = items;

        public override bool Equals(object? obj) => obj is Parts other && _items.AsSpan().SequenceEqual(other._items);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (var item in _items)
                hash.Add(item);
            return hash.ToHashCode();
        }
    }
}

/// <summary>An object of <c>key: value</c>, in order.</summary>
internal sealed class TemplateDictionary : OrderedDictionary<TemplateKey, object?>
{
    public object? this[string key]
    {
        set => this[new TemplateKey(key)] = value;
    }

    public bool TryGetValue(string key, out object? value) => TryGetValue(new TemplateKey(key), out value);
}

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> of a dictionary give.</summary>
internal sealed class TemplateView(string kind, TemplateDictionary owner)
{
    public string Kind => kind;

    public TemplateDictionary Owner => owner;

    public IEnumerable<object?> Items => kind switch
    {
        "dict_keys" => owner.Keys.Select(key => key.Value),
        "dict_values" => owner.Values,
        _ => owner.Select(pair => (object?)new TemplateTuple(pair.Key.Value, pair.Value)),
    };
}

/// <summary>What <c>namespace()</c> makes: members that can be set from an inner scope.</summary>
internal sealed class TemplateNamespace(TemplateDictionary members)
{
    public TemplateDictionary Members => members;
}

/// <summary>Something that can be called, with the arguments by place and by name.</summary>
internal sealed class TemplateFunction(string name, Func<TemplateRun, TemplateArguments, object?> call)
{
    public string Name => name;

    /// <summary>What is printed for it.</summary>
    public string Text { get; init; } = $"<function {name}>";

    /// <summary>What can be read from it.</summary>
    public TemplateDictionary Members { get; init; } = [];

    public object? Call(TemplateRun run, TemplateArguments arguments)
    {
        run.Charge();
        run.Enter();
        var value = call(run, arguments);
        run.Leave();
        return value;
    }
}

/// <summary>Something with members that change, such as <c>cycler()</c>.</summary>
internal sealed class TemplateObject(string type, Func<string, object?> member)
{
    public string Type => type;

    public object? Get(string name) => member(name);
}

/// <summary>A sequence that is worked out while it is read, once.</summary>
internal sealed class TemplateIterator(string kind, IEnumerable<object?> source)
{
    private readonly IEnumerator<object?> _items = source.GetEnumerator();

    public string Kind => kind;

    public bool Next(TemplateRun run, out object? item)
    {
        run.Charge();
        run.Enter();
        var isThere = _items.MoveNext();
        run.Leave();
        item = isThere ? _items.Current : null;
        return isThere;
    }

    public IEnumerable<object?> Rest(TemplateRun run)
    {
        while (Next(run, out var item))
            yield return item;
    }
}
