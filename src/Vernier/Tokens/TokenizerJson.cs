using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Vernier.Files.Disk;

namespace Vernier.Tokens;

/// <summary>Reads values out of a JSON file with messages that say where.</summary>
internal static class TokenizerJson
{
    private const long MostBytes = 256L << 20;

    /// <summary>What <paramref name="read"/> makes of a JSON file.</summary>
    /// <exception cref="InvalidDataException">The file is too large, not UTF-8, not JSON, or holds half a surrogate pair or a value of another kind than is asked for.</exception>
    public static T Read<T>(string path, Func<JsonElement, T> read)
    {
        try
        {
            using var json = JsonDocument.Parse(ReadUtf8(path, MostBytes));
            return read(json.RootElement);
        }
        catch (JsonException reason)
        {
            throw new InvalidDataException($"{path}: not JSON: {reason.Message}", reason);
        }
        catch (Exception reason) when (reason is InvalidOperationException or FormatException)
        {
            // A string with half a surrogate pair, or a value of another kind than the format asks for.
            throw new InvalidDataException($"{path}: {reason.Message}", reason);
        }
        catch (NotSupportedException reason) when (!reason.Message.StartsWith(path, StringComparison.Ordinal))
        {
            throw new NotSupportedException($"{path}: {reason.Message}", reason);
        }
    }

    /// <summary>The bytes of a text file, without a byte order mark.</summary>
    /// <exception cref="InvalidDataException">There are too many, or they are not UTF-8.</exception>
    public static ReadOnlyMemory<byte> ReadUtf8(string path, long most)
    {
        InputFile.Require(path);
        using var file = File.OpenHandle(path, options: FileOptions.SequentialScan);
        var length = RandomAccess.GetLength(file);
        if (length > most)
            throw new InvalidDataException($"{path}: {length} bytes, expected at most {most}");
        var bytes = new byte[length];
        var count = 0;
        while (count < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(count), count) is > 0 and var read)
            count += read;
        var text = bytes.AsMemory(0, count);
        if (!Utf8.IsValid(text.Span))
            throw new InvalidDataException($"{path}: byte {FirstBad(text.Span)}: not UTF-8");
        return text.Span.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? text[3..] : text;
    }

    /// <summary>The lines of a text file.</summary>
    /// <exception cref="InvalidDataException">It is too large or not UTF-8.</exception>
    public static IEnumerable<string> ReadLines(string path)
    {
        using var reader = new StringReader(Encoding.UTF8.GetString(ReadUtf8(path, MostBytes).Span));
        while (reader.ReadLine() is { } line)
            yield return line;
    }

    private static int FirstBad(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var length) == OperationStatus.Done)
            at += length;
        return at;
    }

    /// <summary>The parts of a sequence in order; sequences may hold sequences.</summary>
    public static IEnumerable<JsonElement> Flatten(JsonElement? part, string listName) => part switch
    {
        null => [],
        { } sequence when sequence.Text("type") == "Sequence" => sequence.Items(listName).SelectMany(item => Flatten(item, listName)),
        { } single => [single],
    };

    /// <summary>A value as a message shows it.</summary>
    public static string Shown(JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.Undefined ? "nothing" : value.GetRawText();
        return text.Length > 200 ? text[..200] + "..." : text;
    }

    public static NotSupportedException Unknown(string path, string what, JsonElement found) => new($"{path}: the {what} {Shown(found)} is not done here");

    /// <summary>An added token with its flags. Tokens that are not special are found in normalized text unless the file says otherwise.</summary>
    public static SpecialToken Added(JsonElement token, string content, int id)
    {
        var isControl = token.Flag("special");
        return new SpecialToken(content, id, isControl, token.Flag("lstrip"), token.Flag("rstrip"), token.Flag("single_word"), token.Flag("normalized", otherwise: !isControl));
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
        var entries = new List<(string Piece, int Id)>(vocabulary.GetPropertyCount() + added.Count);
        var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(vocabulary));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var piece = reader.GetString()!;
            reader.Read();
            entries.Add(reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var id) && id >= 0
                ? (piece, id)
                : throw new InvalidDataException($"{path}: token \"{piece}\" has an id that is a {reader.TokenType}, expected a whole number from 0"));
        }
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
}
