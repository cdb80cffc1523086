using System.Buffers.Binary;
using System.Numerics;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Files.Safetensors;

/// <summary>A safetensors file, mapped in memory. Spans into it are valid until disposal.</summary>
public sealed class SafetensorsFile : ITensorFile
{
    private const int Part = 1 << 16; // elements between two looks at the file
    private readonly MappedMemory _memory;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;
    private readonly Dictionary<string, SafetensorsTensor> _byName;

    private SafetensorsFile(string path, MappedMemory memory, SafetensorsHeader header, long dataStart)
    {
        Path = path;
        _memory = memory;
        _header = header;
        _dataStart = dataStart;
        _byName = header.Tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
    }

    /// <summary>The file as it was named.</summary>
    public string Path { get; }

    /// <summary>Tensors in the order of the header.</summary>
    public IReadOnlyList<SafetensorsTensor> Tensors => _header.Tensors;

    /// <summary>The free texts of the header's <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks all of its header; tensor data is not touched.</summary>
    /// <exception cref="InvalidDataException">The content is damaged: says where, what was found and what was expected.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static SafetensorsFile Open(string path)
    {
        var memory = MappedMemory.Open(path);
        try
        {
            var left = memory.Length - SafetensorsHeader.LengthBytes;
            if (left < 0)
                throw Damaged.File(path, "header length at byte 0", $"{memory.Length} bytes", $"{SafetensorsHeader.LengthBytes} bytes");
            var length = BinaryPrimitives.ReadUInt64LittleEndian(memory.Slice(0, SafetensorsHeader.LengthBytes));
            var most = Math.Min(left, SafetensorsHeader.MaxBytes);
            if (length < 2 || length > (ulong)most)
                throw Damaged.File(path, "header length at byte 0", $"{length}", $"2 to {most} bytes");
            var json = memory.Slice(SafetensorsHeader.LengthBytes, (int)length);
            return new SafetensorsFile(path, memory, SafetensorsHeader.Read(path, json, left - (long)length), SafetensorsHeader.LengthBytes + (long)length);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of a name, or null.</summary>
    public SafetensorsTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor of a name.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public SafetensorsTensor Get(string name) => Find(name) ?? throw Damaged.File(Path, "tensors", "none of that name", $"a tensor '{name}'");

    /// <summary>All bytes of a tensor.</summary>
    /// <exception cref="NotSupportedException">The tensor is larger than 2 GiB.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsTensor tensor) => tensor.ByteLength <= int.MaxValue
        ? Bytes(tensor, 0, (int)tensor.ByteLength)
        : throw new NotSupportedException($"{Path}: tensor '{tensor.Name}' has {tensor.ByteLength} bytes, more than one span holds: read it in parts");

    /// <summary>Bytes [<paramref name="start"/>, start + <paramref name="length"/>) of a tensor.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the tensor.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsTensor tensor, long start, int length)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, tensor.ByteLength - length);
        return _memory.Slice(_dataStart + tensor.Offset + start, length);
    }

    /// <summary>Elements [<paramref name="start"/>, start + destination.Length) as fp32.</summary>
    public void ReadSingles(SafetensorsTensor tensor, long start, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        tensor.Type.ToSingle(Bytes(tensor, start * tensor.Type.Size(), checked(destination.Length * tensor.Type.Size())), destination);
    }

    /// <summary>A whole tensor as fp32, row-major.</summary>
    public float[] ReadSingles(string name)
    {
        var tensor = Get(name);
        var all = new float[checked((int)tensor.Elements)];
        for (var at = 0; at < all.Length; at += Part)
            ReadSingles(tensor, at, all.AsSpan(at, Math.Min(Part, all.Length - at)));
        return all;
    }

    /// <summary>A whole tensor of integers, row-major.</summary>
    /// <exception cref="InvalidDataException">Not integers, or one that does not fit.</exception>
    public T[] ReadIntegers<T>(string name)
        where T : unmanaged, IBinaryInteger<T>
    {
        var tensor = Get(name);
        if (!tensor.Type.IsInteger())
            throw Damaged.File(Path, $"tensor '{name}'", $"{tensor.Type}", "integers");
        var all = new T[checked((int)tensor.Elements)];
        try
        {
            var size = tensor.Type.Size();
            for (var at = 0; at < all.Length; at += Part)
                tensor.Type.ToInteger<T>(Bytes(tensor, (long)at * size, Math.Min(Part, all.Length - at) * size), all.AsSpan(at, Math.Min(Part, all.Length - at)));
        }
        catch (OverflowException e)
        {
            throw Damaged.File(Path, $"tensor '{name}'", "an integer that does not fit", typeof(T).Name, e);
        }
        return all;
    }

    IEnumerable<(string Name, ElementType Type, IReadOnlyList<long> Shape)> ITensorFile.List() => Tensors.Select(t => (t.Name, t.Type, t.Shape));

    void ITensorFile.ReadElements(string name, long start, Span<byte> destination)
    {
        var tensor = Get(name);
        Bytes(tensor, start * tensor.Type.Size(), destination.Length).CopyTo(destination);
    }

    void ITensorFile.Release(string name)
    {
        var tensor = Get(name);
        _memory.Release(_dataStart + tensor.Offset, tensor.ByteLength);
    }

    void ITensorFile.RequireUnchanged() => _memory.RequireUnchanged();

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
