using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Vernier.Files.Safetensors;
using Vernier.Kernels;

namespace Vernier.Adapters;

/// <summary>fp32 tensors to and from a safetensors file. A file that is written is on the disk when the call returns.</summary>
internal static class TensorFile
{
    private const int Chunk = 1 << 20; // elements a span covers

    /// <summary>Writes tensors in the order given. Elements come by position, so that a tensor may be larger than an array.</summary>
    /// <param name="metadata">Goes to the header's <c>__metadata__</c>.</param>
    public static void Write(string path, IReadOnlyList<(string Name, IReadOnlyList<int> Shape, Func<long, int, ReadOnlySpan<float>> Elements)> tensors, params (string Key, string Value)[] metadata)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        var header = Header(tensors, metadata);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        file.Write(length);
        file.Write(header);
        foreach (var (_, shape, elements) in tensors)
        {
            var count = Count(shape);
            for (var at = 0L; at < count; at += Chunk)
                file.Write(MemoryMarshal.AsBytes(elements(at, (int)Math.Min(Chunk, count - at))));
        }
        file.Flush(flushToDisk: true);
    }

    /// <summary>Writes adapter tensors.</summary>
    public static void Write(string path, IEnumerable<Tuning.AdapterTensor> tensors, params (string Key, string Value)[] metadata) =>
        Write(path, [.. tensors.Select(t => (t.Name, t.Shape, (Func<long, int, ReadOnlySpan<float>>)((at, n) => t.Values.AsSpan((int)at, n))))], metadata);

    /// <summary>Reads a whole tensor into a buffer of its size.</summary>
    /// <exception cref="InvalidDataException">The tensor is missing or of another shape.</exception>
    public static void Read(SafetensorsFile file, string name, IReadOnlyList<int> shape, NativeBuffer<float> destination)
    {
        var tensor = file.Get(name);
        if (!tensor.Shape.SequenceEqual(shape.Select(n => (long)n)))
            throw new InvalidDataException($"{file.Path}: tensor {name} has shape [{string.Join(", ", tensor.Shape)}], expected [{string.Join(", ", shape)}]");
        for (var at = 0L; at < destination.Length; at += Chunk)
            file.ReadSingles(tensor, at, destination.Slice(at, (int)Math.Min(Chunk, destination.Length - at)));
    }

    /// <summary>Reads all tensors of a file.</summary>
    public static Dictionary<string, Tuning.AdapterTensor> ReadAll(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Tensors.ToDictionary(t => t.Name, t => new Tuning.AdapterTensor(t.Name, [.. t.Shape.Select(n => checked((int)n))], file.ReadSingles(t.Name)), StringComparer.Ordinal);
    }

    private static byte[] Header(IReadOnlyList<(string Name, IReadOnlyList<int> Shape, Func<long, int, ReadOnlySpan<float>> Elements)> tensors, (string Key, string Value)[] metadata)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            writer.WriteString("format", "pt"); // what readers of adapters expect to find
            foreach (var (key, value) in metadata)
                writer.WriteString(key, value);
            writer.WriteEndObject();
            var at = 0L;
            foreach (var (name, shape, _) in tensors)
            {
                var end = checked(at + Count(shape) * sizeof(float));
                writer.WriteStartObject(name);
                writer.WriteString("dtype", "F32");
                writer.WriteStartArray("shape");
                foreach (var size in shape)
                    writer.WriteNumberValue(size);
                writer.WriteEndArray();
                writer.WriteStartArray("data_offsets");
                writer.WriteNumberValue(at);
                writer.WriteNumberValue(end);
                writer.WriteEndArray();
                writer.WriteEndObject();
                at = end;
            }
            writer.WriteEndObject();
        }
        while (json.Length % 8 != 0) // data starts aligned
            json.WriteByte((byte)' ');
        return json.ToArray();
    }

    private static long Count(IReadOnlyList<int> shape) => shape.Aggregate(1L, (a, b) => checked(a * b));
}
