using Vernier.Files.Disk;
using Vernier.Kernels;

namespace Vernier.Files.Gguf;

/// <summary>A GGUF file, mapped in memory: metadata, tensors, and the tensors' bytes without a copy.
/// Spans into the file are valid until disposal; metadata and tensor records live on. A file that is one shard of several is opened together with the others, as one.</summary>
public sealed class GgufFile : IDisposable
{
    private const int MaxHeaderBytes = 1 << 30;
    private readonly MappedMemory[] _memories;
    private readonly GgufHeader[] _headers;
    private readonly Dictionary<string, GgufTensor> _byName = new(StringComparer.Ordinal);

    private GgufFile(string path, MappedMemory[] memories, GgufHeader[] headers, int? shard = null)
    {
        (Path, Shard) = (path, shard);
        (_memories, _headers) = (memories, headers);
        Metadata = headers.Length == 1 ? headers[0].Metadata : headers[0].Metadata.Without(GgufShards.Keys);
        Tensors = headers.Length == 1 ? headers[0].Tensors : [.. headers.SelectMany((h, i) => h.Tensors.Select(t => t with { Shard = i }))];
        foreach (var tensor in Tensors)
            _byName.Add(tensor.Name, tensor);
    }

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>2 or 3.</summary>
    public int Version => _headers[0].Version;

    /// <summary>Every tensor starts at a multiple of it.</summary>
    public int Alignment => _headers[0].Alignment;

    /// <summary>Files that hold the model together: 1 unless it was split.</summary>
    public int Shards => _memories.Length;

    /// <summary>Which of them was opened by its name, from 1; null where the model is whole.</summary>
    internal int? Shard { get; }

    /// <summary>Keys and values in file order; of a split file those of the first shard, without what says that it is one.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>Tensors in file order.</summary>
    public IReadOnlyList<GgufTensor> Tensors { get; }

    /// <summary>Bytes of the file, or of all shards.</summary>
    public long Length => _memories.Sum(m => m.Length);

    /// <summary>Opens a file and checks all of its header; tensor data is not touched.</summary>
    /// <exception cref="InvalidDataException">The content is damaged: says where, what was found and what was expected.</exception>
    /// <exception cref="NotSupportedException">Big-endian, or another version than 2 and 3.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static GgufFile Open(string path)
    {
        var memories = new List<MappedMemory>();
        try
        {
            var header = OpenOne(path, memories);
            if (GgufShards.Find(path, header.Metadata) is not { } paths)
                return new GgufFile(path, [.. memories], [header]);
            Close(memories);
            memories.Clear();
            GgufHeader[] headers = [.. paths.Select(p => OpenOne(p, memories))];
            GgufShards.Check(paths, headers);
            return new GgufFile(path, [.. memories], headers, 1 + Array.IndexOf(paths, path));
        }
        catch
        {
            Close(memories);
            throw;
        }
    }

    private static GgufHeader OpenOne(string path, List<MappedMemory> memories)
    {
        var memory = MappedMemory.Open(path);
        memories.Add(memory);
        return GgufReader.Read(path, memory.Slice(0, (int)Math.Min(memory.Length, MaxHeaderBytes)), memory.Length);
    }

    private static void Close(IEnumerable<MappedMemory> memories)
    {
        foreach (var memory in memories)
            memory.Dispose();
    }

    /// <summary>The tensor of a name, or null.</summary>
    public GgufTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor of a name.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public GgufTensor Get(string name) => Find(name) ?? throw Damaged.File(Path, "tensors", "none of that name", $"a tensor '{name}'");

    /// <summary>All bytes of a tensor.</summary>
    /// <exception cref="NotSupportedException">The tensor is larger than 2 GiB: read it by <see cref="Row"/> or <see cref="Bytes(GgufTensor, long, int)"/>.</exception>
    public ReadOnlySpan<byte> Bytes(GgufTensor tensor) => tensor.ByteLength <= int.MaxValue
        ? Bytes(tensor, 0, (int)tensor.ByteLength)
        : throw new NotSupportedException($"{Path}: tensor '{tensor.Name}' has {tensor.ByteLength} bytes, more than one span holds: read it row by row");

    /// <summary>Bytes [<paramref name="start"/>, start + <paramref name="length"/>) of a tensor.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    public ReadOnlySpan<byte> Bytes(GgufTensor tensor, long start, int length)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, tensor.ByteLength - length);
        return _memories[tensor.Shard].Slice(_headers[tensor.Shard].DataStart + tensor.Offset + start, length);
    }

    /// <summary>The bytes of one row (a run along the fastest dimension).</summary>
    public ReadOnlySpan<byte> Row(GgufTensor tensor, long row)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, tensor.Rows);
        return Bytes(tensor, row * tensor.RowBytes, checked((int)tensor.RowBytes));
    }

    /// <summary>One row as fp32.</summary>
    /// <param name="destination">[columns].</param>
    /// <exception cref="NotSupportedException">The block format is known by name only.</exception>
    public void ReadRow(GgufTensor tensor, long row, Span<float> destination) =>
        tensor.Format.Dequantize(Row(tensor, row), destination[..checked((int)tensor.Columns)]);

    /// <summary>A whole tensor as fp32, [rows, columns] row-major.</summary>
    /// <exception cref="NotSupportedException">The block format is known by name only.</exception>
    public float[] ReadAll(GgufTensor tensor)
    {
        var columns = checked((int)tensor.Columns);
        var all = new float[checked((int)tensor.Elements)];
        for (var row = 0; row < tensor.Rows; row++)
            ReadRow(tensor, row, all.AsSpan(row * columns, columns));
        return all;
    }

    /// <summary>Lets go of the memory that reading a tensor took; it can still be read.</summary>
    public void Release(GgufTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        _memories[tensor.Shard].Release(_headers[tensor.Shard].DataStart + tensor.Offset, tensor.ByteLength);
    }

    /// <summary>Lets go of the memory that reading took, everywhere in the file; it can still be read.</summary>
    public void Release()
    {
        foreach (var memory in _memories)
            memory.Release(0, memory.Length);
    }

    /// <summary>Refuses a file that was written to since it was opened.</summary>
    /// <exception cref="InvalidDataException">Its length or the time of its last change is another.</exception>
    public void RequireUnchanged()
    {
        foreach (var memory in _memories)
            memory.RequireUnchanged();
    }

    /// <inheritdoc/>
    public void Dispose() => Close(_memories);
}
