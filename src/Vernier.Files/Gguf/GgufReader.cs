using System.Buffers.Binary;
using Vernier.Files.Disk;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Files.Gguf;

/// <summary>Bytes to checked records; touches no file. Layout, little-endian, string = u64 length + UTF-8 bytes:
/// <list type="number">
/// <item>"GGUF", u32 version, u64 tensors, u64 keys</item>
/// <item>for each key: string key, u32 type, value; an array is u32 element type, u64 count, elements</item>
/// <item>for each tensor: string name, u32 dimensions, u64 sizes (fastest first), u32 format, u64 offset in the data</item>
/// <item>zeros up to a multiple of general.alignment (32 where absent), then the tensor data</item>
/// </list></summary>
internal static class GgufReader
{
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;
    private const int MaxDimensions = 4;
    private const int MaxNesting = 8;
    private const int LeastKeyBytes = 8 + 1 + 4 + 1;
    private const int LeastTensorBytes = 8 + 1 + 4 + 4 + 8;

    /// <param name="bytes">The start of the file, at least as far as its header goes.</param>
    /// <param name="fileLength">Bytes of the whole file.</param>
    public static GgufHeader Read(string path, ReadOnlySpan<byte> bytes, long fileLength)
    {
        var cursor = new GgufCursor(path, bytes);
        var version = ReadVersion(path, ref cursor);
        var tensorCount = cursor.Count(LeastTensorBytes, "tensor count");
        var keyCount = cursor.Count(LeastKeyBytes, "key count");
        var metadata = ReadMetadata(path, ref cursor, keyCount);
        var alignment = ReadAlignment(path, metadata);
        var tensors = ReadTensors(path, ref cursor, tensorCount, alignment);
        var dataStart = Align(cursor.Position, alignment);
        CheckRanges(path, tensors, fileLength - dataStart);
        return new GgufHeader(version, alignment, metadata, tensors, dataStart);
    }

    /// <summary>The next multiple of a power of two.</summary>
    public static long Align(long position, int alignment) => (position + alignment - 1) & -(long)alignment;

    private static int ReadVersion(string path, ref GgufCursor cursor)
    {
        var magic = cursor.Take(4, "magic");
        if (!magic.SequenceEqual("GGUF"u8))
            throw Damaged.File(path, "magic at byte 0", Convert.ToHexString(magic), "47475546 (GGUF)");
        var version = cursor.UInt32("version");
        if (version is 2 or 3)
            return (int)version;
        if (version != 0 && (version & 0xFFFF) == 0)
            throw new NotSupportedException($"{path}: version at byte 4: found a big-endian file of version {BinaryPrimitives.ReverseEndianness(version)}, only little-endian files are read");
        throw new NotSupportedException($"{path}: version at byte 4: found {version}, only versions 2 and 3 are read");
    }

    private static GgufMetadata ReadMetadata(string path, ref GgufCursor cursor, int count)
    {
        var start = cursor.Position;
        var pairs = new List<Pair>(Math.Min(count, 1024));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var from = cursor.Position;
            var key = cursor.Name($"key {i}");
            if (!seen.Add(key))
                throw Damaged.File(path, $"key {i} at byte {from}", $"'{key}' a second time", "every key once");
            var what = $"value of '{key}'";
            var type = ReadValueType(ref cursor, what);
            var (element, elements) = (type, 1);
            if (type == GgufValueType.Array)
                (element, elements) = ReadArrayStart(ref cursor, what);
            var payload = cursor.Position;
            SkipValues(ref cursor, element, elements, 1, what);
            pairs.Add(new Pair(key, type, element, elements, from, payload, cursor.Position));
        }
        // One copy of the whole block, so that metadata outlives the mapping.
        ReadOnlyMemory<byte> block = cursor.Since(start).ToArray();
        var values = new List<GgufValue>(pairs.Count);
        foreach (var p in pairs)
            values.Add(new GgufValue(path, p.Key, p.Type, p.Element, p.Count, block[(p.Payload - start)..(p.To - start)], block[(p.From - start)..(p.To - start)]));
        return new GgufMetadata(path, values);
    }

    private static GgufValueType ReadValueType(ref GgufCursor cursor, string what)
    {
        var type = cursor.UInt32(what);
        return type <= (uint)GgufValueType.Float64 ? (GgufValueType)type : throw cursor.Fault(what, $"value type {type}", "0 to 12");
    }

    private static (GgufValueType Element, int Count) ReadArrayStart(ref GgufCursor cursor, string what)
    {
        var element = ReadValueType(ref cursor, what);
        var least = element switch { GgufValueType.String => 8, GgufValueType.Array => 12, _ => element.Size() };
        return (element, cursor.Count(least, what));
    }

    private static void SkipValues(ref GgufCursor cursor, GgufValueType type, int count, int depth, string what)
    {
        switch (type)
        {
            case GgufValueType.String:
                cursor.SkipStrings(count, what);
                break;
            case GgufValueType.Array:
                if (depth > MaxNesting)
                    throw cursor.Fault(what, "arrays nested deeper", $"at most {MaxNesting} levels");
                for (var i = 0; i < count; i++)
                {
                    var (element, elements) = ReadArrayStart(ref cursor, what);
                    SkipValues(ref cursor, element, elements, depth + 1, what);
                }
                break;
            default:
                var bytes = cursor.Take((ulong)count * (ulong)type.Size(), what);
                if (type == GgufValueType.Bool && bytes.IndexOfAnyExcept((byte)0, (byte)1) is var bad and >= 0)
                    throw cursor.Fault(what, $"a bool of value {bytes[bad]}", "0 or 1");
                break;
        }
    }

    public static int ReadAlignment(string path, GgufMetadata metadata)
    {
        if (metadata.FindInteger(AlignmentKey) is not { } alignment)
            return DefaultAlignment;
        return alignment is > 0 and <= 1 << 30 && long.IsPow2(alignment)
            ? (int)alignment
            : throw Damaged.File(path, $"metadata key '{AlignmentKey}'", $"{alignment}", "a power of two");
    }

    private static List<GgufTensor> ReadTensors(string path, ref GgufCursor cursor, int count, int alignment)
    {
        var tensors = new List<GgufTensor>(Math.Min(count, 4096));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var at = cursor.Position;
            var name = cursor.Name($"name of tensor {i}");
            var place = $"tensor '{name}' at byte {at}";
            if (!seen.Add(name))
                throw Damaged.File(path, place, "the name a second time", "every name once");
            var rank = cursor.UInt32(place);
            if (rank > MaxDimensions)
                throw Damaged.File(path, place, $"{rank} dimensions", $"at most {MaxDimensions}");
            var sizes = new long[rank];
            for (var d = 0; d < sizes.Length; d++)
            {
                var size = cursor.UInt64(place);
                sizes[d] = size is > 0 and <= long.MaxValue ? (long)size : throw Damaged.File(path, place, $"dimension {d} of size {size}", "a positive size");
            }
            var number = cursor.UInt32(place);
            var format = BlockFormats.Find(number) ?? throw Damaged.File(path, place, $"tensor type {number}", $"a known one: {BlockFormats.Known}");
            var offset = cursor.UInt64(place);
            if (offset > long.MaxValue || offset % (ulong)alignment != 0)
                throw Damaged.File(path, place, $"offset {offset}", $"a multiple of {alignment}");
            tensors.Add(new GgufTensor(name, sizes, format, (long)offset, CountBytes(path, place, sizes, format)));
        }
        return tensors;
    }

    private static long CountBytes(string path, string place, long[] sizes, BlockFormat format)
    {
        var columns = sizes.Length > 0 ? sizes[0] : 1;
        if (columns % format.BlockSize != 0)
            throw Damaged.File(path, place, $"rows of {columns} values", $"a multiple of {format.BlockSize}, the block of {format.Name}");
        try
        {
            checked
            {
                var elements = 1L;
                foreach (var size in sizes)
                    elements *= size;
                return elements / format.BlockSize * format.BlockBytes;
            }
        }
        catch (OverflowException e)
        {
            throw Damaged.File(path, place, $"sizes [{string.Join(", ", sizes)}]", "a product that fits 63 bits", e);
        }
    }

    private static void CheckRanges(string path, List<GgufTensor> tensors, long dataLength)
    {
        foreach (var tensor in tensors)
            if (tensor.ByteLength > dataLength - tensor.Offset)
                throw Damaged.File(path, $"tensor '{tensor.Name}'", $"bytes {tensor.Offset} to {tensor.Offset}+{tensor.ByteLength} of the data", $"an end within the {Math.Max(0, dataLength)} bytes of data the file has");
        GgufTensor? before = null;
        GgufTensor[] inOrder = [.. tensors];
        Array.Sort(inOrder, (a, b) => a.Offset.CompareTo(b.Offset));
        foreach (var tensor in inOrder)
        {
            if (before is not null && tensor.Offset < before.Offset + before.ByteLength)
                throw Damaged.File(path, $"tensor '{tensor.Name}'", $"bytes shared with tensor '{before.Name}'", "tensors apart");
            before = tensor;
        }
    }

    /// <summary>Where a key and its value lie.</summary>
    private readonly record struct Pair(string Key, GgufValueType Type, GgufValueType Element, int Count, int From, int Payload, int To);
}
