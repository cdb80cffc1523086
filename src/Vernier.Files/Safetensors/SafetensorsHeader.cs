using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;

namespace Vernier.Files.Safetensors;

/// <summary>The header of a safetensors file: u64 length (little-endian), then that many bytes of JSON,
/// <c>{"name": {"dtype", "shape", "data_offsets": [begin, end]}, ..., "__metadata__": {"key": "text"}}</c>. The data follows; tensors
/// cover it without holes or overlaps. Pure: bytes in, records out.</summary>
internal sealed class SafetensorsHeader
{
    public const int LengthBytes = 8;
    public const int MaxBytes = 100_000_000; // the limit of the reference implementation
    public const string MetadataName = "__metadata__";
    private readonly string _path;
    private readonly List<SafetensorsTensor> _tensors = [];
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    private SafetensorsHeader(string path) => _path = path;

    /// <summary>In the order of the header.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <param name="json">The header without its length.</param>
    /// <param name="dataLength">Bytes of the file after the header.</param>
    public static SafetensorsHeader Read(string path, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafetensorsHeader(path);
        var reader = new Utf8JsonReader(json);
        try
        {
            reader.Read();
            header.Expect(ref reader, JsonTokenType.StartObject, "header");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                header.ReadEntry(ref reader, dataLength);
            if (reader.Read())
                throw header.Fault(ref reader, "header", "more JSON", "one object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Damaged.File(path, $"header at byte {LengthBytes + reader.TokenStartIndex}", "text that is not valid JSON", "a JSON object", e);
        }
        header.CheckRanges(dataLength);
        return header;
    }

    private void ReadEntry(ref Utf8JsonReader reader, long dataLength)
    {
        var name = reader.GetString()!;
        if (!_names.Add(name))
            throw Fault(ref reader, $"tensor '{name}'", "the name a second time", "every name once");
        reader.Read();
        Expect(ref reader, JsonTokenType.StartObject, name);
        if (name == MetadataName)
            ReadMetadata(ref reader);
        else
            _tensors.Add(ReadTensor(ref reader, name, dataLength));
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            Expect(ref reader, JsonTokenType.String, $"{MetadataName} '{key}'");
            if (!_metadata.TryAdd(key, reader.GetString()!))
                throw Fault(ref reader, $"{MetadataName} '{key}'", "the key a second time", "every key once");
        }
    }

    private SafetensorsTensor ReadTensor(ref Utf8JsonReader reader, string name, long dataLength)
    {
        var place = $"tensor '{name}'";
        ElementType? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = reader.GetString();
            reader.Read();
            switch (field)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String, place);
                    type = ElementTypes.Find(reader.GetString()!) ?? throw Fault(ref reader, place, $"dtype '{reader.GetString()}'", string.Join(", ", Enum.GetNames<ElementType>()));
                    break;
                case "shape" when shape is null:
                    shape = ReadIntegers(ref reader, place);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadIntegers(ref reader, place);
                    break;
                default:
                    throw Fault(ref reader, place, $"the field '{field}'", "dtype, shape and data_offsets, each once");
            }
        }
        if (type is null || shape is null || offsets is not [var begin, var end])
            throw Fault(ref reader, place, "a field missing", "dtype, shape and data_offsets of two numbers");
        if (begin > end || end > dataLength)
            throw Fault(ref reader, place, $"data_offsets [{begin}, {end}]", $"a range within the {dataLength} bytes of data the file has");
        var bytes = CountBytes(place, type.Value, shape);
        if (bytes != end - begin)
            throw Fault(ref reader, place, $"{end - begin} bytes", $"{bytes} for {type} [{string.Join(", ", shape)}]");
        return new SafetensorsTensor(name, type.Value, shape, begin, bytes);
    }

    private long CountBytes(string place, ElementType type, List<long> shape)
    {
        if (shape.Contains(0))
            return 0;
        try
        {
            return shape.Aggregate((long)type.Size(), (product, size) => checked(product * size));
        }
        catch (OverflowException e)
        {
            throw Damaged.File(_path, place, $"shape [{string.Join(", ", shape)}]", "a product that fits 63 bits", e);
        }
    }

    private List<long> ReadIntegers(ref Utf8JsonReader reader, string place)
    {
        Expect(ref reader, JsonTokenType.StartArray, place);
        var all = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            Expect(ref reader, JsonTokenType.Number, place);
            if (!reader.TryGetInt64(out var value) || value < 0)
                throw Fault(ref reader, place, System.Text.Encoding.UTF8.GetString(reader.ValueSpan), "an integer that is not negative");
            all.Add(value);
        }
        return all;
    }

    private void CheckRanges(long dataLength)
    {
        var covered = 0L;
        foreach (var tensor in _tensors.OrderBy(t => t.Offset).ThenBy(t => t.ByteLength))
        {
            if (tensor.Offset != covered)
                throw Damaged.File(_path, $"tensor '{tensor.Name}'", $"a start at byte {tensor.Offset} of the data", $"{covered}, where the tensor before it ends");
            covered += tensor.ByteLength;
        }
        if (covered != dataLength)
            throw Damaged.File(_path, "data", $"{dataLength} bytes", $"{covered}, where the last tensor ends");
    }

    private void Expect(ref Utf8JsonReader reader, JsonTokenType type, string place)
    {
        if (reader.TokenType != type)
            throw Fault(ref reader, place, reader.TokenType.ToString(), type.ToString());
    }

    private InvalidDataException Fault(ref Utf8JsonReader reader, string place, string found, string expected) =>
        Damaged.File(_path, $"{place} at byte {LengthBytes + reader.TokenStartIndex}", found, expected);
}
