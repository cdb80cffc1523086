using System.Buffers.Binary;
using System.Text;
using Vernier.Files.Disk;
using Vernier.Kernels;

namespace Vernier.Files.Pickle;

/// <summary>Where the entries of a zip file lie: end record, central directory (zip64 too) and local headers. Only entries that are
/// stored without compression, as PyTorch writes them, so an entry is a range of the file and nothing can unfold to more than its size.</summary>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054b50, End64Signature = 0x06064b50, Locator64Signature = 0x07064b50;
    private const uint EntrySignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndBytes = 22, Locator64Bytes = 20, End64Bytes = 56, EntryBytes = 46, LocalBytes = 30;
    private const int MaxDirectoryBytes = 1 << 26;
    private readonly string _path;
    private readonly MappedMemory _memory;
    private readonly Dictionary<string, (long Start, long Length)> _entries = new(StringComparer.Ordinal);

    private ZipDirectory(string path, MappedMemory memory)
    {
        _path = path;
        _memory = memory;
    }

    /// <summary>Ranges of the file by entry name.</summary>
    public IReadOnlyDictionary<string, (long Start, long Length)> Entries => _entries;

    public static ZipDirectory Read(string path, MappedMemory memory)
    {
        var zip = new ZipDirectory(path, memory);
        var (start, length, count) = zip.FindDirectory();
        if (start < 0 || length < 0 || length > MaxDirectoryBytes || start > memory.Length - length || count < 0 || count > length / EntryBytes)
            throw zip.Fault("end record", $"{count} entries in {length} bytes at {start}", $"a directory within the {memory.Length} bytes of the file");
        var directory = memory.Slice(start, (int)length);
        for (var i = 0L; i < count; i++)
            directory = directory[zip.ReadEntry(directory, $"entry {i}")..];
        return zip;
    }

    private (long Start, long Length, long Count) FindDirectory()
    {
        var tailBytes = (int)Math.Min(_memory.Length, EndBytes + ushort.MaxValue);
        var tailStart = _memory.Length - tailBytes;
        var tail = _memory.Slice(tailStart, tailBytes);
        for (var at = tailBytes - EndBytes; at >= 0; at--)
            if (BinaryPrimitives.ReadUInt32LittleEndian(tail[at..]) == EndSignature)
            {
                var end = tail.Slice(at, EndBytes);
                var count = BinaryPrimitives.ReadUInt16LittleEndian(end[10..]);
                var length = BinaryPrimitives.ReadUInt32LittleEndian(end[12..]);
                var start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
                return count == ushort.MaxValue || length == uint.MaxValue || start == uint.MaxValue ? FindDirectory64(tailStart + at) : (start, length, count);
            }
        throw Fault("end of the file", "no end record", "a zip file as written by torch.save (older files without zip are not read)");
    }

    private (long Start, long Length, long Count) FindDirectory64(long end)
    {
        var locator = Slice(end - Locator64Bytes, Locator64Bytes, Locator64Signature, "zip64 locator");
        var record = Slice(BinaryPrimitives.ReadInt64LittleEndian(locator[8..]), End64Bytes, End64Signature, "zip64 end record");
        return (BinaryPrimitives.ReadInt64LittleEndian(record[48..]), BinaryPrimitives.ReadInt64LittleEndian(record[40..]), BinaryPrimitives.ReadInt64LittleEndian(record[32..]));
    }

    private int ReadEntry(ReadOnlySpan<byte> at, string place)
    {
        if (at.Length < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(at) != EntrySignature)
            throw Fault(place, "no entry", "a directory entry");
        var nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(at[28..]);
        var extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(at[30..]);
        var total = EntryBytes + nameBytes + extraBytes + BinaryPrimitives.ReadUInt16LittleEndian(at[32..]);
        if (total > at.Length)
            throw Fault(place, "an entry that runs over", "an entry within the directory");
        var name = Encoding.UTF8.GetString(at.Slice(EntryBytes, nameBytes));
        place = $"entry '{name}'";
        if (BinaryPrimitives.ReadUInt16LittleEndian(at[10..]) != 0)
            throw Fault(place, "compressed data", "data stored as it is, as torch.save does");
        var (packed, size, local) = ReadSizes(at, at.Slice(EntryBytes + nameBytes, extraBytes), place);
        var header = Slice(local, LocalBytes, LocalSignature, place);
        var start = local + LocalBytes + BinaryPrimitives.ReadUInt16LittleEndian(header[26..]) + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (packed != size || size < 0 || size > _memory.Length - start)
            throw Fault(place, $"{size} bytes at {start}", $"a range within the {_memory.Length} bytes of the file");
        if (!_entries.TryAdd(name, (start, size)))
            throw Fault(place, "the name a second time", "every name once");
        return total;
    }

    /// <summary>Sizes and place of an entry; a field of all ones is found in the zip64 extra field.</summary>
    private (long Packed, long Size, long Local) ReadSizes(ReadOnlySpan<byte> at, ReadOnlySpan<byte> extra, string place)
    {
        long packed = BinaryPrimitives.ReadUInt32LittleEndian(at[20..]), size = BinaryPrimitives.ReadUInt32LittleEndian(at[24..]), local = BinaryPrimitives.ReadUInt32LittleEndian(at[42..]);
        if (packed != uint.MaxValue && size != uint.MaxValue && local != uint.MaxValue)
            return (packed, size, local);
        while (extra.Length >= 4)
        {
            var (id, length) = (BinaryPrimitives.ReadUInt16LittleEndian(extra), BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]));
            var needed = 8 * ((size == uint.MaxValue ? 1 : 0) + (packed == uint.MaxValue ? 1 : 0) + (local == uint.MaxValue ? 1 : 0));
            if (id == 1 && length >= needed && extra.Length >= 4 + needed)
            {
                var field = extra[4..];
                Take(ref size, ref field); // in the order of the field
                Take(ref packed, ref field);
                Take(ref local, ref field);
                return (packed, size, local);
            }
            extra = extra[Math.Min(extra.Length, 4 + length)..];
        }
        throw Fault(place, "no zip64 sizes", "a zip64 extra field");
    }

    private static void Take(ref long value, ref ReadOnlySpan<byte> field)
    {
        if (value != uint.MaxValue)
            return;
        value = BinaryPrimitives.ReadInt64LittleEndian(field);
        field = field[8..];
    }

    private ReadOnlySpan<byte> Slice(long start, int length, uint signature, string place)
    {
        if (start < 0 || start > _memory.Length - length || BinaryPrimitives.ReadUInt32LittleEndian(_memory.Slice(start, length)) != signature)
            throw Fault(place, $"no record at byte {start}", $"the signature {signature:x8}");
        return _memory.Slice(start, length);
    }

    private InvalidDataException Fault(string place, string found, string expected) => Damaged.File(_path, $"zip {place}", found, expected);
}
