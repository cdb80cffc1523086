using System.Text.Json;

namespace Vernier.Reading;

/// <summary>One JSON object of a data file, with its place for error messages.</summary>
/// <param name="Place">File and line.</param>
internal readonly record struct JsonRecord(JsonElement Json, string Place)
{
    /// <summary>The objects of a JSON Lines file, lazily, blank lines skipped; or the rows of a Parquet file.</summary>
    /// <exception cref="InvalidDataException">A line is not a JSON object; names the line.</exception>
    public static IEnumerable<JsonRecord> ReadLines(string path)
    {
        if (ParquetRows.Is(path))
        {
            foreach (var (json, place) in ParquetRows.Read(path))
                yield return new JsonRecord(json, $"{path}: {place}");
            yield break;
        }
        foreach (var line in TextFile.ReadLines(path))
        {
            if (line.IsBlank)
                continue;
            using var document = JsonText.Parse(line.Bytes, path, line.Number);
            yield return Of(document, $"{path}: line {line.Number}");
        }
    }

    /// <summary>The one JSON object that a file holds.</summary>
    /// <exception cref="InvalidDataException">It holds something else.</exception>
    public static JsonRecord ReadFile(string path)
    {
        using var document = JsonText.Parse(TextFile.ReadBytes(path), path);
        return Of(document, path);
    }

    private static JsonRecord Of(JsonDocument document, string place) => document.RootElement.ValueKind == JsonValueKind.Object
        ? new JsonRecord(document.RootElement.Clone(), place)
        : throw new InvalidDataException($"{place}: expected a JSON object, found {Kind(document.RootElement)}");

    public bool Has(string field) => Json.TryGetProperty(field, out _);

    public string Text(string field) =>
        Field(field) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : throw Expected(field, "a string");

    public long Integer(string field) =>
        Field(field) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : throw Expected(field, "a whole number");

    /// <summary>A whole number in [0, <paramref name="count"/>): the place of the right choice.</summary>
    public int Choice(string field, int count) =>
        Integer(field) is var number && number >= 0 && number < count ? (int)number : throw Expected(field, $"a whole number below {count}");

    public JsonRecord Object(string field) =>
        Field(field) is { ValueKind: JsonValueKind.Object } value ? new JsonRecord(value, Place) : throw Expected(field, "an object");

    public string[] Texts(string field) =>
        Field(field) is { ValueKind: JsonValueKind.Array } value && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(item => item.GetString()!)]
            : throw Expected(field, "an array of strings");

    public int[] Integers(string field)
    {
        var place = this;
        return Field(field) is { ValueKind: JsonValueKind.Array } value
            ? [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number) ? number : throw place.Expected(field, "an array of whole numbers"))]
            : throw Expected(field, "an array of whole numbers");
    }

    public IEnumerable<JsonRecord> Objects(string field)
    {
        var place = Place;
        return Field(field) is { ValueKind: JsonValueKind.Array } value && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Object)
            ? value.EnumerateArray().Select((item, at) => new JsonRecord(item, $"{place}: {field}[{at}]"))
            : throw Expected(field, "an array of objects");
    }

    private JsonElement Field(string field) =>
        Json.TryGetProperty(field, out var value) ? value : throw new InvalidDataException($"{Place}: no field '{field}'");

    private InvalidDataException Expected(string field, string expected) =>
        new($"{Place}: field '{field}': expected {expected}, found {Kind(Json.GetProperty(field))}");

    private static string Kind(JsonElement value)
    {
        var text = value.GetRawText();
        return $"{value.ValueKind.ToString().ToLowerInvariant()} {(text.Length > 40 ? text[..40] + "..." : text)}";
    }
}
