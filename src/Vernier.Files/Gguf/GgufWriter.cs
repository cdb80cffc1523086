using System.Buffers.Binary;
using System.Text;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;

namespace Vernier.Files.Gguf;

/// <summary>Writes a GGUF file of version 3 from front to back. Metadata that came from another file goes out byte for byte. The target
/// holds its old content until <see cref="Commit"/>, and for ever if that is not reached.</summary>
public sealed class GgufWriter : IDisposable
{
    private const uint Version = 3;
    private readonly ReplacingFile _file;
    private readonly TensorSequence _data;
    private readonly CancellationToken _cancel;

    private GgufWriter(ReplacingFile file, TensorSequence data, CancellationToken cancel)
    {
        _file = file;
        _data = data;
        _cancel = cancel;
    }

    /// <summary>Writes the header.</summary>
    /// <param name="metadata">In the order of the file; <c>general.alignment</c> is respected.</param>
    /// <param name="tensors">In the order of the file.</param>
    /// <param name="cancel">Ends the writing; the target holds its old content then.</param>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    public static GgufWriter Create(string path, GgufMetadata metadata, IReadOnlyList<GgufTensorPlan> tensors, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tensors);
        var alignment = GgufReader.ReadAlignment(path, metadata);
        var header = BuildHeader(metadata, tensors, alignment);
        var file = new ReplacingFile(path);
        try
        {
            file.Write(header);
            file.Pad(alignment);
            return new GgufWriter(file, new TensorSequence(file, [.. tensors.Select(t => (t.Name, t.ByteLength))], alignment), cancel);
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

    private static byte[] BuildHeader(GgufMetadata metadata, IReadOnlyList<GgufTensorPlan> tensors, int alignment)
    {
        var header = new MemoryStream();
        header.Write("GGUF"u8);
        WriteUInt32(header, Version);
        WriteUInt64(header, (ulong)tensors.Count);
        WriteUInt64(header, (ulong)metadata.Count);
        foreach (var value in metadata)
            header.Write(value.Raw.Span);
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            WriteUInt64(header, (ulong)Encoding.UTF8.GetByteCount(tensor.Name));
            header.Write(Encoding.UTF8.GetBytes(tensor.Name));
            WriteUInt32(header, (uint)tensor.Dimensions.Count);
            foreach (var size in tensor.Dimensions)
                WriteUInt64(header, (ulong)size);
            WriteUInt32(header, tensor.Format.Number);
            WriteUInt64(header, (ulong)offset);
            offset = GgufReader.Align(offset + tensor.ByteLength, alignment);
        }
        return header.ToArray();
    }

    private static void WriteUInt32(MemoryStream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteUInt64(MemoryStream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }
}
