using System.Text.Json;

namespace Vernier.Files.Disk;

/// <summary>Parses the JSON files of model folders. Every text in them can be read afterwards: bytes that are not UTF-8 and halves of surrogate pairs,
/// which a parser lets through, are refused here.</summary>
internal static class JsonFile
{
    private static ReadOnlySpan<byte> Mark => "\uFEFF"u8;

    /// <exception cref="FileNotFoundException">There is nothing.</exception>
    /// <exception cref="InvalidDataException">Not a regular file, longer than <paramref name="maxBytes"/>, or not JSON: path and line.</exception>
    public static JsonDocument Parse(string path, long maxBytes = InputFile.MaxSettingsBytes)
    {
        ReadOnlyMemory<byte> bytes = InputFile.ReadAllBytes(path, maxBytes);
        if (bytes.Span.StartsWith(Mark))
            bytes = bytes[Mark.Length..];
        try
        {
            var document = JsonDocument.Parse(bytes);
            CheckTexts(path, bytes.Span);
            return document;
        }
        catch (JsonException e)
        {
            throw Damaged.File(path, $"line {e.LineNumber + 1}", "text that is not valid JSON", "JSON", e);
        }
    }

    private static void CheckTexts(string path, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                try
                {
                    _ = reader.GetString();
                }
                catch (InvalidOperationException e)
                {
                    throw Damaged.File(path, $"line {json[..(int)reader.TokenStartIndex].Count((byte)'\n') + 1}", "a text that is not UTF-8 or holds half a character", "UTF-8", e);
                }
    }
}
