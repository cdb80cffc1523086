using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Vernier.Files.Disk;

namespace Vernier.Files.Gguf;

/// <summary>The keys and values of a GGUF file in the order of the file. Independent of the file once read.</summary>
public sealed class GgufMetadata : IReadOnlyCollection<GgufValue>
{
    private readonly List<GgufValue> _values;
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);

    internal GgufMetadata(string path, List<GgufValue> values)
    {
        Path = path;
        _values = values;
        for (var i = 0; i < values.Count; i++)
            _index.Add(values[i].Key, i);
    }

    /// <summary>Metadata for a file made from nothing.</summary>
    /// <exception cref="ArgumentException">A key twice.</exception>
    public static GgufMetadata Of(IEnumerable<GgufValue> values) => new("new file", [.. values]);

    /// <summary>A copy in which these values replace those of the same keys in place, or follow at the end.</summary>
    public GgufMetadata With(params ReadOnlySpan<GgufValue> changes)
    {
        var values = new List<GgufValue>(_values);
        foreach (var change in changes)
        {
            var at = values.FindIndex(v => v.Key == change.Key);
            if (at >= 0)
                values[at] = change;
            else
                values.Add(change);
        }
        return new GgufMetadata(Path, values);
    }

    /// <summary>A copy without some keys.</summary>
    public GgufMetadata Without(IReadOnlyCollection<string> keys) => new(Path, [.. _values.Where(v => !keys.Contains(v.Key))]);

    /// <summary>Number of keys.</summary>
    public int Count => _values.Count;

    /// <summary>The file they came from, for messages.</summary>
    internal string Path { get; }

    /// <summary>The value of a key.</summary>
    /// <exception cref="InvalidDataException">The file has no such key.</exception>
    public GgufValue this[string key] => TryGet(key, out var value) ? value : throw Damaged.File(Path, "metadata", "no key of that name", $"the key '{key}'");

    /// <summary>The value of a key, where the file has it.</summary>
    public bool TryGet(string key, [NotNullWhen(true)] out GgufValue? value)
    {
        value = _index.TryGetValue(key, out var at) ? _values[at] : null;
        return value is not null;
    }

    /// <summary>The file has this key.</summary>
    public bool Contains(string key) => _index.ContainsKey(key);

    /// <summary>The text of a key, or null where the file has no such key.</summary>
    public string? FindString(string key) => TryGet(key, out var value) ? value.AsString() : null;

    /// <summary>The integer of a key, or null where the file has no such key.</summary>
    public long? FindInteger(string key) => TryGet(key, out var value) ? value.AsInteger() : null;

    /// <summary>The number of a key, or null where the file has no such key.</summary>
    public double? FindNumber(string key) => TryGet(key, out var value) ? value.AsNumber() : null;

    /// <summary>The bool of a key, or null where the file has no such key.</summary>
    public bool? FindBool(string key) => TryGet(key, out var value) ? value.AsBool() : null;

    /// <summary>The texts of a key, or null where the file has no such key.</summary>
    public string[]? FindStrings(string key) => TryGet(key, out var value) ? value.AsStrings() : null;

    /// <inheritdoc/>
    public IEnumerator<GgufValue> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
