using System.Text;
using System.Text.Json;
using Vernier.Models;

namespace Vernier.Data;

/// <summary>Reads a data file. <c>.jsonl</c> and <c>.ndjson</c>: an object a line. <c>.json</c>: an array of objects, a task of
/// Natural Instructions, or an object a line. Everything else is one stream of text.</summary>
internal static class TrainingFile
{
    public static TrainingData Read(string path, SampleEncoder encoder, int context, ModelConfig config)
    {
        var bytes = ReadText(path);
        var rows = new RowBuilder(path, Math.Min(context, config.ContextLength), config.VocabularySize);
        var samples = new SampleReader(path, encoder, rows, config);
        switch (Path.GetExtension(path).ToLowerInvariant())
        {
            case ".jsonl" or ".ndjson":
                ReadLines(path, bytes, samples);
                break;
            case ".json":
                ReadJson(path, bytes, samples);
                break;
            default:
                rows.AddStream(encoder.Stream(path, Encoding.UTF8.GetString(bytes)));
                break;
        }
        return rows.Build();
    }

    /// <summary>The bytes of a text file without its byte order mark.</summary>
    private static ReadOnlySpan<byte> ReadText(string path)
    {
        var length = new FileInfo(path).Length;
        if (length > Array.MaxLength)
            throw new NotSupportedException($"{path}: {length} bytes; data files of up to {Array.MaxLength} bytes are read, split it");
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        if (bytes.StartsWith("\uFEFF"u8))
            bytes = bytes[3..];
        if (bytes.Trim(" \t\r\n"u8).IsEmpty)
            throw new InvalidDataException($"{path}: is empty, expected text or JSON lines");
        if (bytes.IndexOf((byte)0) is >= 0 and var zero)
            throw new InvalidDataException($"{path}: found a zero byte at offset {zero}: this is no text file; expected UTF-8 text or JSON lines");
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return bytes;
        var valid = ValidPrefix(bytes);
        throw new InvalidDataException($"{path}: found bytes at offset {valid} (line {LineOf(bytes, valid)}) that are not UTF-8; expected UTF-8 text");
    }

    private static void ReadLines(string path, ReadOnlySpan<byte> bytes, SampleReader samples)
    {
        var number = 0;
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            var line = end < 0 ? bytes : bytes[..end];
            bytes = end < 0 ? [] : bytes[(end + 1)..];
            number++;
            if (line.Trim(" \t\r"u8).IsEmpty)
                continue;
            using var document = Parse(path, line, number);
            samples.Read(document.RootElement, $"line {number}");
        }
    }

    private static void ReadJson(string path, ReadOnlySpan<byte> bytes, SampleReader samples)
    {
        var text = bytes.TrimStart(" \t\r\n"u8);
        var firstLine = text.IndexOf((byte)'\n');
        if (text[0] == '{' && firstLine > 0 && text[..firstLine].TrimEnd(" \t\r"u8).EndsWith("}"u8))
        {
            ReadLines(path, bytes, samples);
            return;
        }
        using var document = Parse(path, bytes, 1);
        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            samples.ReadTask(document.RootElement);
            return;
        }
        var number = 0;
        foreach (var record in Records(path, document.RootElement))
            samples.Read(record, $"record {++number}");
    }

    private static JsonElement.ArrayEnumerator Records(string path, JsonElement element) => element.ValueKind == JsonValueKind.Array
        ? element.EnumerateArray()
        : throw new InvalidDataException($"{path}: found a JSON {element.ValueKind}, expected an array of objects");

    private static JsonDocument Parse(string path, ReadOnlySpan<byte> json, int firstLine)
    {
        try
        {
            return JsonDocument.Parse(json.ToArray());
        }
        catch (JsonException e)
        {
            var why = e.Message;
            var positions = why.LastIndexOf(" LineNumber:", StringComparison.Ordinal);
            throw new InvalidDataException($"{path}: line {firstLine + (e.LineNumber ?? 0)}, column {(e.BytePositionInLine ?? 0) + 1}: not valid JSON: {(positions < 0 ? why : why[..positions])}", e);
        }
    }

    private static int ValidPrefix(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out var consumed) == System.Buffers.OperationStatus.Done)
            at += consumed;
        return at;
    }

    private static int LineOf(ReadOnlySpan<byte> bytes, int offset) => bytes[..offset].Count((byte)'\n') + 1;
}
