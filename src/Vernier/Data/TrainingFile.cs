using System.Text.Json;
using Vernier.Models;

namespace Vernier.Data;

/// <summary>Reads a data file. <c>.jsonl</c> and <c>.ndjson</c>: an object a line. <c>.json</c>: an array of objects, a task of
/// Natural Instructions, or an object a line. <c>.parquet</c>: a row an object. Everything else is one stream of text.
/// <c>.gz</c> and <c>.zst</c> behind these endings are unpacked.</summary>
internal static class TrainingFile
{
    public static TrainingData Read(string path, SampleEncoder encoder, int context, ModelConfig config, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        var rows = new RowBuilder(path, Math.Min(context, config.ContextLength), config.VocabularySize);
        var samples = new SampleReader(path, encoder, rows, config);
        switch (CompressedFile.InnerExtension(path))
        {
            case ".jsonl" or ".ndjson":
                ReadLines(path, samples, cancel);
                break;
            case ".json":
                ReadJson(path, samples, cancel);
                break;
            case ParquetRows.Extension when ParquetRows.Is(path):
                ReadRows(path, samples, cancel);
                break;
            default:
                var text = TextFile.Read(path);
                rows.AddStream(text.AsSpan().Trim(" \t\r\n").IsEmpty ? throw Empty(path) : encoder.Stream(path, text));
                rows.AddForm(SampleReader.FormOf(text));
                break;
        }
        samples.Finish();
        return rows.Build();
    }

    private static void ReadLines(string path, SampleReader samples, CancellationToken cancel)
    {
        var found = false;
        foreach (var line in TextFile.ReadLines(path))
        {
            cancel.ThrowIfCancellationRequested();
            if (line.IsBlank)
                continue;
            using var document = JsonText.Parse(line.Bytes, path, line.Number);
            samples.Read(document.RootElement, $"line {line.Number}");
            found = true;
        }
        if (!found)
            throw Empty(path);
    }

    private static void ReadRows(string path, SampleReader samples, CancellationToken cancel)
    {
        var found = false;
        foreach (var (json, place) in ParquetRows.Read(path, cancel))
        {
            cancel.ThrowIfCancellationRequested();
            samples.Read(json, place);
            found = true;
        }
        if (!found)
            throw Empty(path);
    }

    private static void ReadJson(string path, SampleReader samples, CancellationToken cancel)
    {
        var bytes = TextFile.ReadBytes(path);
        var text = bytes.Span.TrimStart(" \t\r\n"u8);
        if (text.IsEmpty)
            throw Empty(path);
        var firstLine = text.IndexOf((byte)'\n');
        if (text[0] == '{' && firstLine > 0 && text[..firstLine].TrimEnd(" \t\r"u8).EndsWith("}"u8) && !text[firstLine..].TrimStart(" \t\r\n"u8).IsEmpty)
        {
            ReadLines(path, samples, cancel);
            return;
        }
        using var document = JsonText.Parse(bytes, path);
        var root = document.RootElement;
        if (NaturalInstructionsTask.Is(root))
        {
            samples.ReadTask(new JsonRecord(root, path));
            return;
        }
        if (root.ValueKind == JsonValueKind.Object)
        {
            samples.Read(root, "line 1");
            return;
        }
        var number = 0;
        foreach (var record in Records(path, root))
        {
            cancel.ThrowIfCancellationRequested();
            samples.Read(record, $"record {++number}");
        }
        if (number == 0)
            throw Empty(path);
    }

    private static JsonElement.ArrayEnumerator Records(string path, JsonElement element) => element.ValueKind == JsonValueKind.Array
        ? element.EnumerateArray()
        : throw new InvalidDataException($"{path}: found a JSON {element.ValueKind}, expected an array of objects");

    private static InvalidDataException Empty(string path) => new($"{path}: is empty, expected text or JSON lines");
}
