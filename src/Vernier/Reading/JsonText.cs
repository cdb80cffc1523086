using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Vernier.Reading;

/// <summary>Parses JSON that users bring. Half a surrogate pair in an escape and a member that is there twice are refused: there is no text,
/// and no member, that they stand for.</summary>
internal static class JsonText
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <param name="json">UTF-8. The document refers to it.</param>
    /// <param name="firstLine">Number of its first line in the file, for messages.</param>
    /// <exception cref="InvalidDataException">Not JSON: path, line and column.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json, string path, int firstLine = 1)
    {
        CheckSurrogates(json.Span, path, firstLine);
        try
        {
            return JsonDocument.Parse(json, s_strict);
        }
        catch (JsonException e)
        {
            var why = e.Message;
            var positions = why.LastIndexOf(" LineNumber:", StringComparison.Ordinal);
            var column = e.BytePositionInLine is { } at ? string.Create(CultureInfo.InvariantCulture, $", column {at + 1}") : "";
            why = json.Span.StartsWith("\uFEFF"u8) ? "a byte order mark stands in the middle of the file." : positions < 0 ? why : why[..positions];
            throw new InvalidDataException($"{path}: line {firstLine + (e.LineNumber ?? 0)}{column}: not valid JSON: {why}", e);
        }
    }

    /// <summary>JSON that stands as a text inside a record.</summary>
    /// <param name="place">Names the text in messages.</param>
    /// <exception cref="InvalidDataException">Not JSON.</exception>
    public static JsonDocument ParseInner(string json, string place)
    {
        try
        {
            return JsonDocument.Parse(json, s_strict);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{place}: is a text that is not valid JSON: {e.Message}", e);
        }
    }

    private static void CheckSurrogates(ReadOnlySpan<byte> json, string path, int firstLine)
    {
        for (var at = 0; json[at..].IndexOf((byte)'\\') is >= 0 and var next;)
        {
            at += next;
            if (Unit(json, at) is not { } unit)
            {
                at += Math.Min(2, json.Length - at);
                continue;
            }
            var isPair = char.IsHighSurrogate(unit) && Unit(json, at + 6) is { } second && char.IsLowSurrogate(second);
            if (char.IsSurrogate(unit) && !isPair)
            {
                var line = json[..at].Count((byte)'\n');
                var column = at - json[..at].LastIndexOf((byte)'\n');
                throw new InvalidDataException($"{path}: line {firstLine + line}, column {column}: found the lone surrogate {Encoding.ASCII.GetString(json.Slice(at, 6))}, half a character; expected a pair");
            }
            at += isPair ? 12 : 6;
        }
    }

    /// <summary>The value of an escape <c>\uXXXX</c>; null where there is none.</summary>
    private static char? Unit(ReadOnlySpan<byte> json, int at) =>
        at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u' && ushort.TryParse(json.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit)
            ? (char)unit
            : null;
}
