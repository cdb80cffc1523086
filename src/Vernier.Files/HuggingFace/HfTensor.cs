using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;

namespace Vernier.Files.HuggingFace;

/// <summary>A tensor of a model folder, whatever kind of file holds it. Readable until its <see cref="HfFolder"/> is disposed.</summary>
public sealed class HfTensor
{
    private const int ChunkBytes = 1 << 16;
    private readonly ITensorFile _file;

    internal HfTensor(ITensorFile file, string name, ElementType type, IReadOnlyList<long> shape)
    {
        _file = file;
        Name = name;
        Type = type;
        Shape = shape;
        Elements = shape.Aggregate(1L, (product, size) => product * size);
    }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>What its elements are.</summary>
    public ElementType Type { get; }

    /// <summary>Sizes, slowest first: a linear layer is [out, in].</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Elements of the whole tensor.</summary>
    public long Elements { get; }

    /// <summary>Bytes of the whole tensor.</summary>
    public long ByteLength => Elements * Type.Size();

    /// <summary>The file that holds it.</summary>
    public string FilePath => _file.Path;

    /// <summary>Copies elements as they are in the file, row-major.</summary>
    /// <param name="start">First element.</param>
    /// <param name="destination">A whole number of elements.</param>
    public void ReadElements(long start, Span<byte> destination) => _file.ReadElements(Name, start, destination);

    /// <summary>Lets go of the memory that reading took; the tensor can still be read.</summary>
    public void Release() => _file.Release(Name);

    /// <summary>Elements [<paramref name="start"/>, start + destination.Length) as fp32.</summary>
    /// <exception cref="InvalidDataException">Elements that cannot be read as fp32.</exception>
    public void ReadSingles(long start, Span<float> destination)
    {
        if (Type == ElementType.F32 && BitConverter.IsLittleEndian)
        {
            ReadElements(start, MemoryMarshal.AsBytes(destination));
            return;
        }
        var bytes = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        var step = ChunkBytes / Type.Size();
        for (var done = 0; done < destination.Length; done += step)
        {
            var part = destination.Slice(done, Math.Min(step, destination.Length - done));
            var raw = bytes.AsSpan(0, part.Length * Type.Size());
            ReadElements(start + done, raw);
            Type.ToSingle(raw, part);
        }
        ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>The whole tensor as fp32, row-major.</summary>
    public float[] ToSingles()
    {
        var all = new float[checked((int)Elements)];
        ReadSingles(0, all);
        return all;
    }

    /// <summary>The whole tensor of integers, row-major.</summary>
    /// <exception cref="InvalidDataException">Not integers, or one that does not fit.</exception>
    public T[] ToIntegers<T>()
        where T : unmanaged, IBinaryInteger<T>
    {
        if (!Type.IsInteger())
            throw Damaged.File(FilePath, $"tensor '{Name}'", $"{Type}", "integers");
        var bytes = new byte[checked((int)ByteLength)];
        ReadElements(0, bytes);
        var all = new T[(int)Elements];
        try
        {
            Type.ToInteger<T>(bytes, all);
        }
        catch (OverflowException e)
        {
            throw Damaged.File(FilePath, $"tensor '{Name}'", "an integer that does not fit", typeof(T).Name, e);
        }
        return all;
    }
}
