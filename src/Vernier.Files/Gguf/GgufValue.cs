using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Vernier.Files.Disk;

namespace Vernier.Files.Gguf;

/// <summary>One key of a GGUF file with its value, kept as the bytes of the file and decoded on request.</summary>
public sealed class GgufValue
{
    private readonly string _path;
    private readonly ReadOnlyMemory<byte> _payload; // the value; for arrays the elements, after element type and count

    internal GgufValue(string path, string key, GgufValueType type, GgufValueType elementType, int count, ReadOnlyMemory<byte> payload, ReadOnlyMemory<byte> raw)
    {
        _path = path;
        Key = key;
        Type = type;
        ElementType = elementType;
        Count = count;
        _payload = payload;
        Raw = raw;
    }

    /// <summary>A text.</summary>
    public static GgufValue Of(string key, string value) => Encode(key, GgufValueType.String, GgufValueType.String, 1, Text(value));

    /// <summary>A 32-bit number without a sign.</summary>
    public static GgufValue Of(string key, uint value) => Encode(key, GgufValueType.UInt32, GgufValueType.UInt32, 1, BitConverter.GetBytes(value));

    /// <summary>An unsigned integer of 16 bits.</summary>
    internal static GgufValue OfUInt16(string key, ushort value) => Encode(key, GgufValueType.UInt16, GgufValueType.UInt16, 1, BitConverter.GetBytes(value));

    /// <summary>An integer of 32 bits.</summary>
    internal static GgufValue OfInt32(string key, int value) => Encode(key, GgufValueType.Int32, GgufValueType.Int32, 1, BitConverter.GetBytes(value));

    /// <summary>A 32-bit number.</summary>
    public static GgufValue Of(string key, float value) => Encode(key, GgufValueType.Float32, GgufValueType.Float32, 1, BitConverter.GetBytes(value));

    /// <summary>True or false.</summary>
    public static GgufValue Of(string key, bool value) => Encode(key, GgufValueType.Bool, GgufValueType.Bool, 1, BitConverter.GetBytes(value));

    /// <summary>A list of texts.</summary>
    public static GgufValue Of(string key, IReadOnlyCollection<string> values) =>
        Encode(key, GgufValueType.Array, GgufValueType.String, values.Count, [.. values.SelectMany(Text)]);

    /// <summary>A list of 32-bit integers.</summary>
    public static GgufValue Of(string key, ReadOnlySpan<int> values) =>
        Encode(key, GgufValueType.Array, GgufValueType.Int32, values.Length, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>A list of 32-bit numbers.</summary>
    public static GgufValue Of(string key, ReadOnlySpan<float> values) =>
        Encode(key, GgufValueType.Array, GgufValueType.Float32, values.Length, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>The name, such as <c>general.architecture</c>.</summary>
    public string Key { get; }

    /// <summary>What the value is.</summary>
    public GgufValueType Type { get; }

    /// <summary>Type of an array's elements; <see cref="Type"/> for single values.</summary>
    public GgufValueType ElementType { get; }

    /// <summary>Elements of an array; 1 for single values.</summary>
    public int Count { get; }

    /// <summary>The whole pair as in the file: key, type and value.</summary>
    public ReadOnlyMemory<byte> Raw { get; }

    /// <summary>An integer of any width.</summary>
    /// <exception cref="InvalidDataException">Not an integer, or above <see cref="long.MaxValue"/>.</exception>
    public long AsInteger() => AsNumber<long>(integer: true);

    /// <summary>A number of any type.</summary>
    /// <exception cref="InvalidDataException">Not a number.</exception>
    public double AsNumber() => AsNumber<double>(integer: false);

    /// <exception cref="InvalidDataException">Not a bool.</exception>
    public bool AsBool() => Type == GgufValueType.Bool ? _payload.Span[0] != 0 : throw Mismatch("a bool");

    /// <summary>A text; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <exception cref="InvalidDataException">Not a string.</exception>
    public string AsString() => Type == GgufValueType.String ? Encoding.UTF8.GetString(_payload.Span[8..]) : throw Mismatch("a string");

    /// <summary>An array of texts; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <exception cref="InvalidDataException">Not an array of strings.</exception>
    public string[] AsStrings()
    {
        if (Type != GgufValueType.Array || ElementType != GgufValueType.String)
            throw Mismatch("an array of strings");
        var all = new string[Count];
        var left = _payload.Span;
        for (var i = 0; i < all.Length; i++)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(left);
            all[i] = Encoding.UTF8.GetString(left.Slice(8, length));
            left = left[(8 + length)..];
        }
        return all;
    }

    /// <summary>An array of numbers of any type.</summary>
    /// <typeparam name="T">int, long, float, double, ...</typeparam>
    /// <exception cref="InvalidDataException">Not an array of numbers, or a number that does not fit.</exception>
    public T[] AsNumbers<T>()
        where T : unmanaged, INumber<T>
    {
        if (Type != GgufValueType.Array || ElementType.Size() == 0)
            throw Mismatch("an array of numbers");
        var all = new T[Count];
        if (BitConverter.IsLittleEndian && (ElementType == GgufValueType.Int32 && typeof(T) == typeof(int) || ElementType == GgufValueType.Float32 && typeof(T) == typeof(float)))
        {
            _payload.Span.CopyTo(MemoryMarshal.AsBytes(all.AsSpan())); // what vocabularies hold, and they are long
            return all;
        }
        for (var i = 0; i < all.Length; i++)
            all[i] = Number<T>(i);
        return all;
    }

    /// <exception cref="InvalidDataException">Not an array of bools.</exception>
    public bool[] AsBools()
    {
        if (Type != GgufValueType.Array || ElementType != GgufValueType.Bool)
            throw Mismatch("an array of bools");
        return MemoryMarshal.Cast<byte, bool>(_payload.Span).ToArray();
    }

    /// <summary>For messages and listings: the value, or the kind and length of an array.</summary>
    public override string ToString() => Type switch
    {
        GgufValueType.Array => $"{ElementType}[{Count}]",
        GgufValueType.String => AsString(),
        GgufValueType.Bool => AsBool() ? "true" : "false",
        GgufValueType.Float32 or GgufValueType.Float64 => AsNumber().ToString("R"),
        GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(_payload.Span).ToString(),
        _ => AsInteger().ToString(),
    };

    internal InvalidDataException Mismatch(string expected) =>
        Damaged.File(_path, $"metadata key '{Key}'", Type == GgufValueType.Array ? $"{ElementType}[{Count}]" : $"{Type} {this}", expected);

    private static byte[] Text(string text) => [.. BitConverter.GetBytes((ulong)Encoding.UTF8.GetByteCount(text)), .. Encoding.UTF8.GetBytes(text)];

    private static GgufValue Encode(string key, GgufValueType type, GgufValueType elementType, int count, byte[] payload)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("GGUF values are made on little-endian machines only");
        byte[] array = type == GgufValueType.Array ? [.. BitConverter.GetBytes((uint)elementType), .. BitConverter.GetBytes((ulong)count)] : [];
        byte[] raw = [.. Text(key), .. BitConverter.GetBytes((uint)type), .. array, .. payload];
        return new GgufValue("new value", key, type, elementType, count, payload, raw);
    }

    private T AsNumber<T>(bool integer)
        where T : unmanaged, INumber<T>
    {
        var usable = Type.Size() != 0 && Type != GgufValueType.Bool && !(integer && Type is GgufValueType.Float32 or GgufValueType.Float64);
        return usable ? Number<T>(0) : throw Mismatch(integer ? "an integer" : "a number");
    }

    private T Number<T>(int index)
        where T : unmanaged, INumber<T>
    {
        var at = _payload.Span[(index * ElementType.Size())..];
        try
        {
            return ElementType switch
            {
                GgufValueType.UInt8 or GgufValueType.Bool => T.CreateChecked(at[0]),
                GgufValueType.Int8 => T.CreateChecked((sbyte)at[0]),
                GgufValueType.UInt16 => T.CreateChecked(BinaryPrimitives.ReadUInt16LittleEndian(at)),
                GgufValueType.Int16 => T.CreateChecked(BinaryPrimitives.ReadInt16LittleEndian(at)),
                GgufValueType.UInt32 => T.CreateChecked(BinaryPrimitives.ReadUInt32LittleEndian(at)),
                GgufValueType.Int32 => T.CreateChecked(BinaryPrimitives.ReadInt32LittleEndian(at)),
                GgufValueType.Float32 => T.CreateChecked(BinaryPrimitives.ReadSingleLittleEndian(at)),
                GgufValueType.UInt64 => T.CreateChecked(BinaryPrimitives.ReadUInt64LittleEndian(at)),
                GgufValueType.Int64 => T.CreateChecked(BinaryPrimitives.ReadInt64LittleEndian(at)),
                GgufValueType.Float64 => T.CreateChecked(BinaryPrimitives.ReadDoubleLittleEndian(at)),
                _ => throw Mismatch("a number"),
            };
        }
        catch (OverflowException e)
        {
            throw Damaged.File(_path, $"metadata key '{Key}'", $"a {ElementType} that does not fit", typeof(T).Name, e);
        }
    }
}
