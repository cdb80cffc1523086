using System.IO.Compression;
using System.Text;

namespace Vernier.Files.Tests.Pickle;

/// <summary>A zip file of stored entries, with sizes and places in zip64 fields where wanted.</summary>
internal static class StoredZip
{
    /// <summary>The fields of the first entry of the directory that are all ones and stand in its zip64 field.</summary>
    [Flags]
    public enum Moved
    {
        None = 0,
        Size = 1,
        Packed = 2,
        Place = 4,
    }

    /// <summary>The entries of a zip file of the framework's reader.</summary>
    public static List<(string Name, byte[] Bytes)> Read(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        var entries = new List<(string, byte[])>();
        foreach (var entry in zip.Entries)
        {
            using var stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            entries.Add((entry.FullName, bytes.ToArray()));
        }
        return entries;
    }

    /// <param name="extra">The extra fields of the first entry of the directory; null = one of another kind, then the zip64 field.</param>
    public static void Write(string path, IReadOnlyList<(string Name, byte[] Bytes)> entries, Moved moved = Moved.None, byte[]? extra = null)
    {
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file, Encoding.UTF8);
        var places = new List<long>();
        foreach (var (name, bytes) in entries)
        {
            places.Add(file.Position);
            Header(0x04034b50, name, (uint)bytes.Length, (uint)bytes.Length, 0);
            writer.Write(Encoding.UTF8.GetBytes(name));
            writer.Write(bytes);
        }
        var start = file.Position;
        for (var i = 0; i < entries.Count; i++)
        {
            var (name, bytes) = entries[i];
            var these = i == 0 ? moved : Moved.None;
            var fields = i > 0 || moved == Moved.None ? [] : extra ?? [.. Field(0x5455, [1, 2, 3, 4, 5]), .. Field(1, Moving(moved, bytes.Length, places[i]))];
            Header(0x02014b50, name, these.HasFlag(Moved.Packed) ? uint.MaxValue : (uint)bytes.Length, these.HasFlag(Moved.Size) ? uint.MaxValue : (uint)bytes.Length, fields.Length);
            writer.Write(new byte[10]);
            writer.Write(these.HasFlag(Moved.Place) ? uint.MaxValue : (uint)places[i]);
            writer.Write(Encoding.UTF8.GetBytes(name));
            writer.Write(fields);
        }
        var end = file.Position;
        writer.Write(0x06054b50);
        writer.Write(0);
        writer.Write((ushort)entries.Count);
        writer.Write((ushort)entries.Count);
        writer.Write((uint)(end - start));
        writer.Write((uint)start);
        writer.Write((ushort)0);
        File.WriteAllBytes(path, file.ToArray());

        void Header(uint signature, string name, uint packed, uint size, int extraBytes)
        {
            writer.Write(signature);
            writer.Write(new byte[signature == 0x02014b50 ? 6 : 4]);
            writer.Write((ushort)0); // stored
            writer.Write(new byte[8]); // time and checksum
            writer.Write(packed);
            writer.Write(size);
            writer.Write((ushort)name.Length);
            writer.Write((ushort)extraBytes);
        }
    }

    /// <summary>An extra field.</summary>
    public static byte[] Field(ushort id, byte[] data) => [(byte)id, (byte)(id >> 8), (byte)data.Length, (byte)(data.Length >> 8), .. data];

    /// <summary>The values of the moved fields, in the order of the zip64 field.</summary>
    public static byte[] Moving(Moved moved, long size, long place) =>
    [
        .. moved.HasFlag(Moved.Size) ? BitConverter.GetBytes(size) : [],
        .. moved.HasFlag(Moved.Packed) ? BitConverter.GetBytes(size) : [],
        .. moved.HasFlag(Moved.Place) ? BitConverter.GetBytes(place) : [],
    ];
}
