using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>Reads values out of a JSON file with messages that say where.</summary>
internal static class TokenizerJson
{
    private const long MostBytes = 256L << 20;

    public static JsonDocument Open(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > MostBytes)
            throw new InvalidDataException($"{path}: {length} bytes, expected at most {MostBytes}");
        try
        {
            using var stream = File.OpenRead(path);
            return JsonDocument.Parse(stream);
        }
        catch (JsonException reason)
        {
            throw new InvalidDataException($"{path}: not JSON: {reason.Message}", reason);
        }
    }

    /// <summary>The member of an object, or null where it is missing or null.</summary>
    public static JsonElement? Find(this JsonElement owner, string name) =>
        owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(name, out var found) && found.ValueKind != JsonValueKind.Null ? found : null;

    public static string? Text(this JsonElement owner, string name) =>
        owner.Find(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public static bool Flag(this JsonElement owner, string name, bool otherwise = false) => owner.Find(name) switch
    {
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => otherwise,
    };

    public static IEnumerable<JsonElement> Items(this JsonElement owner, string name) =>
        owner.Find(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    /// <summary>A vocabulary written as an object of piece to id. Ids may have holes, but not many.</summary>
    public static string?[] Pieces(string path, JsonElement vocabulary, IReadOnlyList<SpecialToken> added)
    {
        if (vocabulary.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{path}: the vocabulary is a {vocabulary.ValueKind}, expected an object of piece to id");
        var entries = new List<(string Piece, int Id)>();
        foreach (var entry in vocabulary.EnumerateObject())
            entries.Add(entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetInt32(out var id) && id >= 0
                ? (entry.Name, id)
                : throw new InvalidDataException($"{path}: token \"{entry.Name}\" has the id {entry.Value}, expected a whole number from 0"));
        entries.AddRange(added.Select(token => (token.Content, token.Id)));
        return Place(path, entries);
    }

    public static string?[] Place(string path, List<(string Piece, int Id)> entries)
    {
        var count = entries.Count == 0 ? 0 : entries.Max(entry => (long)entry.Id) + 1;
        if (count > 2L * entries.Count + 65536)
            throw new InvalidDataException($"{path}: an id is {count - 1}, but there are only {entries.Count} tokens");
        var pieces = new string?[count];
        foreach (var (piece, id) in entries)
            pieces[id] = pieces[id] is null || pieces[id] == piece
                ? piece
                : throw new InvalidDataException($"{path}: the id {id} belongs to both \"{pieces[id]}\" and \"{piece}\"");
        return pieces;
    }

    public static (string Left, string Right) Merge(string path, int rank, JsonElement merge)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2
            && merge[0].ValueKind == JsonValueKind.String && merge[1].ValueKind == JsonValueKind.String)
            return (merge[0].GetString()!, merge[1].GetString()!);
        if (merge.ValueKind == JsonValueKind.String)
            return SplitMerge(path, rank, merge.GetString()!);
        throw new InvalidDataException($"{path}: merge {rank} is {merge}, expected two pieces");
    }

    /// <summary>A merge written as two pieces with a space between.</summary>
    private static (string Left, string Right) SplitMerge(string path, int rank, string merge)
    {
        var space = FindSplit(path, rank, merge);
        return (merge[..space], merge[(space + 1)..]);
    }

    /// <summary>Where the space of such a merge is.</summary>
    public static int FindSplit(string path, int rank, string merge)
    {
        // The space itself may be part of a piece only at its beginning.
        var space = merge.Length > 1 ? merge.IndexOf(' ', 1) : -1;
        return space > 0 && space < merge.Length - 1
            ? space
            : throw new InvalidDataException($"{path}: merge {rank} is \"{merge}\", expected two pieces with a space between");
    }
}
