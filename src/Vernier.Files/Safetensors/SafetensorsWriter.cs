using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;

namespace Vernier.Files.Safetensors;

/// <summary>Writes a safetensors file from front to back; header and data have the order of the plan. The target holds its old content
/// until <see cref="Commit"/>, and for ever if that is not reached.</summary>
public sealed class SafetensorsWriter : IDisposable
{
    private const int Chunk = 1 << 14;
    private readonly ReplacingFile _file;
    private readonly TensorSequence _data;
    private readonly byte[] _chunk = new byte[Chunk];
    private readonly CancellationToken _cancel;

    private SafetensorsWriter(ReplacingFile file, TensorSequence data, CancellationToken cancel)
    {
        _file = file;
        _data = data;
        _cancel = cancel;
    }

    /// <summary>Writes the header.</summary>
    /// <param name="metadata">Free texts; readers of Hugging Face models want <c>format</c> = <c>pt</c>.</param>
    /// <param name="cancel">Ends the writing; the target holds its old content then.</param>
    /// <exception cref="ArgumentException">A name twice, or a header that readers would refuse for its size.</exception>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    public static SafetensorsWriter Create(string path, IReadOnlyList<SafetensorsPlan> tensors, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var header = BuildHeader(tensors, metadata);
        if (header.Length > SafetensorsHeader.MaxBytes)
            throw new ArgumentException($"{path}: a header of {header.Length} bytes is larger than readers accept ({SafetensorsHeader.MaxBytes})", nameof(tensors));
        var file = new ReplacingFile(path);
        try
        {
            Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            file.Write(length);
            file.Write(header);
            return new SafetensorsWriter(file, new TensorSequence(file, [.. tensors.Select(t => (t.Name, t.ByteLength))], alignment: 1), cancel);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Appends bytes to the tensor whose turn it is; when it is full, the next one follows.</summary>
    /// <exception cref="ArgumentException">More bytes than the tensor has left.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _cancel.ThrowIfCancellationRequested();
        _data.Write(bytes);
    }

    /// <summary>Appends values, rounded to nearest even where the type is narrower.</summary>
    /// <param name="type">Type of the tensor whose turn it is: F32, F16 or BF16.</param>
    public void Write(ReadOnlySpan<float> values, ElementType type)
    {
        var step = Chunk / type.Size();
        for (; values.Length > 0; values = values[Math.Min(step, values.Length)..])
        {
            var part = values[..Math.Min(step, values.Length)];
            var bytes = _chunk.AsSpan(0, part.Length * type.Size());
            type.FromSingle(part, bytes);
            Write(bytes);
        }
    }

    /// <summary>Flushes to the disk and puts the file in place.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not complete.</exception>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public void Commit()
    {
        _data.CheckComplete();
        _file.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static byte[] BuildHeader(IReadOnlyList<SafetensorsPlan> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata is not null)
            {
                json.WriteStartObject(SafetensorsHeader.MetadataName);
                foreach (var (key, text) in metadata)
                    json.WriteString(key, text);
                json.WriteEndObject();
            }
            var offset = 0L;
            foreach (var tensor in tensors)
            {
                if (tensor.Name == SafetensorsHeader.MetadataName || !names.Add(tensor.Name))
                    throw new ArgumentException($"the tensor name '{tensor.Name}' is there twice or reserved", nameof(tensors));
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.ToString());
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.ByteLength);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Spaces up to a multiple of 8, so that the data is aligned.
        var padded = new byte[(buffer.WrittenCount + 7) & ~7];
        padded.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(padded);
        return padded;
    }
}
