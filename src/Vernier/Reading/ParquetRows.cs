using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Parquet;
using Parquet.Serialization;
using Vernier.Files.Disk;

namespace Vernier.Reading;

/// <summary>The rows of a Parquet file as JSON objects, a column a field, nested columns (lists, structs, lists of structs) too. A null, and so an empty list,
/// is a field that is not there; bytes that are no text are left out. One row group is in memory at a time.</summary>
internal static class ParquetRows
{
    public const string Extension = ".parquet";

    /// <summary>Values of a row group at most, all columns together: each is an object in memory.</summary>
    internal const long MaxGroupValues = 1 << 26;

    /// <summary>The name says that the file is one.</summary>
    public static bool Is(string path) => Path.GetExtension(path).Equals(Extension, StringComparison.OrdinalIgnoreCase);

    /// <summary>The rows in order, each with its place, e.g. <c>row 12</c>; lazily, a row group after the other.</summary>
    /// <exception cref="InvalidDataException">Not Parquet, damaged, or of a size that is not read.</exception>
    public static IEnumerable<(JsonElement Json, string Place)> Read(string path, CancellationToken cancel = default)
    {
        using var file = InputFile.OpenRead(path);
        var groups = Guard(path, () => Groups(path, file, cancel));
        var number = 0L;
        for (var group = 0; group < groups; group++)
        {
            file.Position = 0;
            var index = group;
            var rows = Guard(path, () => ParquetSerializer.DeserializeUntypedAsync(file, rowGroupIndex: index, cancellationToken: cancel).GetAwaiter().GetResult()).Data;
            foreach (var row in rows)
                yield return (Json(path, row, ++number), string.Create(CultureInfo.InvariantCulture, $"row {number}"));
        }
    }

    /// <summary>The number of row groups, after their sizes were checked: nothing large is unpacked before.</summary>
    private static int Groups(string path, FileStream file, CancellationToken cancel)
    {
        var reader = ParquetReader.CreateAsync(file, leaveStreamOpen: true, cancellationToken: cancel).GetAwaiter().GetResult();
        try
        {
            var most = CompressedFile.FreeBytes + CompressedFile.MaxGrowth * file.Length;
            var number = 0;
            foreach (var group in reader.Metadata!.RowGroups)
            {
                var place = string.Create(CultureInfo.InvariantCulture, $"row group {++number}");
                var (bytes, values) = (group.Columns.Sum(c => c.MetaData?.TotalUncompressedSize ?? 0), group.Columns.Sum(c => c.MetaData?.NumValues ?? 0));
                if (values < 0 || Math.Max(values, group.NumRows) > MaxGroupValues)
                    throw Damaged.File(path, place, $"{group.NumRows} rows with {values} values", $"at most {MaxGroupValues} values: write smaller row groups");
                if (bytes < 0 || bytes > most)
                    throw Damaged.File(path, place, $"{bytes} unpacked bytes in a file of {file.Length}", $"at most {most}");
            }
            return number;
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is not (OperationCanceledException or OutOfMemoryException) && !e.Message.StartsWith(path, StringComparison.Ordinal))
        {
            // the reader of the format meets damage with whatever breaks first
            throw new InvalidDataException($"{path}: is no Parquet file that can be read: {e.Message}", e);
        }
    }

    private static JsonElement Json(string path, IDictionary row, long number)
    {
        var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes))
            try
            {
                Write(writer, row);
            }
            catch (ArgumentException e)
            {
                throw new InvalidDataException($"{path}: row {number}: found a number that JSON does not know: {e.Message}", e);
            }
        using var document = JsonText.Parse(bytes.ToArray(), $"{path}: row {number}");
        return document.RootElement.Clone();
    }

    private static void Write(Utf8JsonWriter writer, IDictionary fields)
    {
        writer.WriteStartObject();
        foreach (DictionaryEntry field in fields)
            if (Known(field.Value) is { } value)
            {
                writer.WritePropertyName(Convert.ToString(field.Key, CultureInfo.InvariantCulture)!);
                Write(writer, value);
            }
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case string text: writer.WriteStringValue(text); break;
            case bool flag: writer.WriteBooleanValue(flag); break;
            case double or float: writer.WriteNumberValue(Convert.ToDouble(value, CultureInfo.InvariantCulture)); break;
            case ulong large: writer.WriteNumberValue(large); break;
            case decimal number: writer.WriteNumberValue(number); break;
            case sbyte or byte or short or ushort or int or uint or long: writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
            case IDictionary fields: Write(writer, fields); break;
            case IEnumerable items:
                writer.WriteStartArray();
                foreach (var item in items)
                    Write(writer, Known(item));
                writer.WriteEndArray();
                break;
            default: writer.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture)); break;
        }
    }

    /// <summary>Bytes are text where they are UTF-8, else nothing that data are made of.</summary>
    private static object? Known(object? value) => value is not byte[] bytes ? value : System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
}
