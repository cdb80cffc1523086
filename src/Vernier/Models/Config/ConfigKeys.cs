using System.Text.Json;

namespace Vernier.Models;

/// <summary>Checked access to the keys of a <c>config.json</c>; a JSON null counts as absent.</summary>
internal sealed class ConfigKeys
{
    private readonly JsonElement _root;

    public ConfigKeys(string path, JsonElement root)
    {
        Path = path;
        if (root.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: found a JSON {root.ValueKind}, expected an object");
        _root = root;
    }

    public string Path { get; }

    /// <summary>The names of all keys.</summary>
    public IEnumerable<string> Names => _root.EnumerateObject().Select(p => p.Name);

    /// <summary>Whether the key is there, as null too.</summary>
    public bool Has(string key) => _root.TryGetProperty(key, out _);

    /// <summary>The value as it is written; "null" where it is missing.</summary>
    public JsonElement? FindAny(string key) => _root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A nested object, or null.</summary>
    public ConfigKeys? FindObject(string key) => Find(key, JsonValueKind.Object) is { } value ? new ConfigKeys(Path, value) : null;

    public string String(string key) => FindString(key) ?? throw Missing(key);

    /// <summary>A required positive count.</summary>
    public int Size(string key)
    {
        var value = FindInt(key) ?? throw Missing(key);
        return value is > 0 and < 1 << 28 ? value : throw Wrong(key, value.ToString(System.Globalization.CultureInfo.InvariantCulture), "a positive size");
    }

    public string? FindString(string key) => Find(key, JsonValueKind.String)?.GetString();

    public int? FindInt(string key) => Find(key, JsonValueKind.Number) is { } value
        ? value.TryGetInt32(out var number) ? number : throw Wrong(key, value.GetRawText(), "a 32-bit integer")
        : null;

    public float? FindFloat(string key) => (float?)FindDouble(key);

    public double? FindDouble(string key) => Find(key, JsonValueKind.Number)?.GetDouble();

    public bool? FindBool(string key) => !_root.TryGetProperty(key, out var value) ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => throw Wrong(key, value.GetRawText(), "true or false"),
    };

    /// <summary>A number or an array of numbers.</summary>
    public int[] FindInts(string key)
    {
        if (_root.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Array)
            return value.EnumerateArray().Select(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var i) ? i : throw Wrong(key, v.GetRawText(), "an integer")).ToArray();
        return FindInt(key) is { } one ? [one] : [];
    }

    public float[]? FindFloats(string key) => Find(key, JsonValueKind.Array)?.EnumerateArray()
        .Select(v => v.ValueKind == JsonValueKind.Number ? v.GetSingle() : throw Wrong(key, v.GetRawText(), "a number")).ToArray();

    public string[]? FindStrings(string key) => Find(key, JsonValueKind.Array)?.EnumerateArray()
        .Select(v => v.ValueKind == JsonValueKind.String ? v.GetString()! : throw Wrong(key, v.GetRawText(), "a string")).ToArray();

    /// <summary>GPT-Neo's <c>attention_types</c>: pairs of (pattern, repetitions), written out.</summary>
    public string[] ExpandedAttentionTypes()
    {
        var kinds = new List<string>();
        var types = Find("attention_types", JsonValueKind.Array) ?? throw Missing("attention_types");
        foreach (var pair in types.EnumerateArray())
        {
            if (pair.ValueKind != JsonValueKind.Array || pair.GetArrayLength() != 2 || pair[0].ValueKind != JsonValueKind.Array
                || pair[1].ValueKind != JsonValueKind.Number || !pair[1].TryGetInt32(out var times) || times is < 0 or > 10_000)
                throw Wrong("attention_types", pair.GetRawText(), "[[kind, ...], repetitions]");
            for (var i = 0; i < times; i++)
                kinds.AddRange(pair[0].EnumerateArray().Select(k => k.ToString()));
        }
        return [.. kinds];
    }

    public InvalidDataException Missing(string key) => new($"{Path}: key '{key}' is missing");

    public InvalidDataException Wrong(string key, string found, string expected) =>
        new($"{Path}: key '{key}': found {(found.Length > 60 ? found[..60] : found)}, expected {expected}");

    private JsonElement? Find(string key, JsonValueKind kind)
    {
        if (!_root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        return value.ValueKind == kind ? value : throw Wrong(key, value.GetRawText(), $"a JSON {kind}");
    }
}
