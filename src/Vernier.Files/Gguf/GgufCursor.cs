using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using Vernier.Files.Disk;

namespace Vernier.Files.Gguf;

/// <summary>Reads the header of a GGUF file from front to back. Every length is checked against the bytes that are left before it is
/// believed, so a lying file costs no memory.</summary>
internal ref struct GgufCursor(string path, ReadOnlySpan<byte> bytes)
{
    private const int MaxNameBytes = 65535; // the specification's limit for keys
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Offset in the file.</summary>
    public int Position { get; private set; }

    public readonly int Left => _bytes.Length - Position;

    public readonly ReadOnlySpan<byte> Since(int start) => _bytes[start..Position];

    public ReadOnlySpan<byte> Take(ulong count, string what)
    {
        if (count > (ulong)Left)
            throw Fault(what, $"{Left} bytes left", $"{count} bytes");
        var taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    /// <summary>Skips strings: each is its length, then its bytes.</summary>
    /// <remarks>A vocabulary is most of a header, and this runs once: without full optimization from the start it would run unoptimized.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void SkipStrings(int count, string what)
    {
        var left = _bytes[Position..];
        for (; count > 0 && left.Length >= 8; count--)
        {
            var length = BinaryPrimitives.ReadUInt64LittleEndian(left);
            if (length > (ulong)(left.Length - 8))
                break;
            left = left[(8 + (int)length)..];
        }
        Position = _bytes.Length - left.Length;
        if (count > 0)
            Take(UInt64(what), what); // the one that does not fit: reports it
    }

    /// <summary>A key or a tensor's name: UTF-8, not empty.</summary>
    public string Name(string what)
    {
        var start = Position;
        var length = UInt64(what);
        if (length is 0 or > MaxNameBytes)
        {
            Position = start;
            throw Fault(what, $"a length of {length} bytes", $"1 to {MaxNameBytes} bytes");
        }
        var raw = Take(length, what);
        try
        {
            return s_strict.GetString(raw);
        }
        catch (DecoderFallbackException e)
        {
            throw Damaged.File(path, $"{what} at byte {start}", "bytes that are not UTF-8", "UTF-8 text", e);
        }
    }

    /// <summary>A number of things that follow, each at least <paramref name="leastBytes"/> long.</summary>
    public int Count(int leastBytes, string what)
    {
        var start = Position;
        var count = UInt64(what);
        if (count <= (ulong)(Left / leastBytes))
            return (int)count;
        var left = Left;
        Position = start;
        throw Fault(what, $"a count of {count}", $"at most {left / leastBytes}, the file has {left} bytes left");
    }

    /// <summary>An error at the present position.</summary>
    public readonly InvalidDataException Fault(string what, string found, string expected) =>
        Damaged.File(path, $"{what} at byte {Position}", found, expected);
}
