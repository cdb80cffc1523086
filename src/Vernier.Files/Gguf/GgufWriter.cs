using System.Buffers.Binary;
using System.Text;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;

namespace Vernier.Files.Gguf;

/// <summary>Writes a GGUF file of version 3 from front to back, or several that it is split into. Metadata that came from another file goes out byte for byte.
/// The target holds its old content until <see cref="Commit"/>, and for ever if that is not reached.</summary>
public sealed class GgufWriter : IDisposable
{
    private const uint Version = 3;
    private readonly IReadOnlyList<GgufPart> _parts;
    private readonly IReadOnlyList<string> _obsolete;
    private readonly CancellationToken _cancel;
    private readonly List<ReplacingFile> _files = [];
    private TensorSequence _data;

    private GgufWriter(IReadOnlyList<GgufPart> parts, IReadOnlyList<string> obsolete, CancellationToken cancel)
    {
        (_parts, _obsolete, _cancel) = (parts, obsolete, cancel);
        _data = Begin();
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
        return new GgufWriter([new GgufPart(path, metadata, tensors)], [], cancel);
    }

    /// <summary>Writes files of at most <paramref name="most"/> bytes of tensors each, PATH-00001-of-0000N.gguf, as llama.cpp splits them. All are put
    /// in place together, or none; those of an older split under this name are replaced.</summary>
    /// <exception cref="NotSupportedException">There would be more files than can be counted.</exception>
    /// <inheritdoc cref="Create"/>
    internal static GgufWriter CreateSplit(string path, GgufMetadata metadata, IReadOnlyList<GgufTensorPlan> tensors, long most, CancellationToken cancel = default) =>
        new(GgufShards.Divide(path, metadata, tensors, most), GgufShards.Existing(path), cancel);

    /// <summary>The files that are written, in order.</summary>
    internal IReadOnlyList<string> Paths => [.. _parts.Select(part => part.Path)];

    /// <summary>Appends bytes to the tensor whose turn it is; when it is full, the next one follows.</summary>
    /// <exception cref="ArgumentException">More bytes than the tensor has left.</exception>
    /// <exception cref="IOException">The disk is full or fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        _cancel.ThrowIfCancellationRequested();
        if (_data.IsComplete && _files.Count < _parts.Count)
        {
            _files[^1].Complete();
            _data = Begin();
        }
        _data.Write(bytes);
    }

    /// <summary>Flushes to the disk and puts the file in place.</summary>
    /// <exception cref="InvalidOperationException">A tensor is not complete.</exception>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public void Commit()
    {
        _data.CheckComplete();
        if (_files.Count < _parts.Count)
            throw new InvalidOperationException($"{_parts[_files.Count].Path}: no tensor of it was written");
        if (_parts.Count == 1 && _obsolete.Count == 0)
            _files[0].Commit();
        else
            ReplacingSet.Commit(_files, _obsolete);
    }

    /// <inheritdoc/>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    /// <summary>Opens the next file and writes its header.</summary>
    private TensorSequence Begin()
    {
        var part = _parts[_files.Count];
        var alignment = GgufReader.ReadAlignment(part.Path, part.Metadata);
        var header = BuildHeader(part.Metadata, part.Tensors, alignment);
        var file = new ReplacingFile(part.Path);
        _files.Add(file);
        try
        {
            file.Write(header);
            file.Pad(alignment);
            return new TensorSequence(file, [.. part.Tensors.Select(t => (t.Name, t.ByteLength))], alignment);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

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
