using System.Buffers.Binary;
using System.Numerics;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Files.Tensors;

/// <summary>Sizes of element types and their conversion to and from fp32.</summary>
internal static class ElementTypes
{
    private static readonly Dictionary<string, ElementType> s_byName = Enum.GetValues<ElementType>().ToDictionary(t => t.ToString(), StringComparer.Ordinal);

    /// <summary>The type of a safetensors name, or null.</summary>
    public static ElementType? Find(string name) => s_byName.TryGetValue(name, out var type) ? type : null;

    /// <summary>Bytes of an element.</summary>
    public static int Size(this ElementType type) => type switch
    {
        <= ElementType.F8_E8M0 => 1,
        <= ElementType.BF16 => 2,
        <= ElementType.F32 => 4,
        _ => 8,
    };

    /// <summary>Whether elements are integers (or bools).</summary>
    public static bool IsInteger(this ElementType type) =>
        type is ElementType.BOOL or ElementType.U8 or ElementType.I8 or ElementType.U16 or ElementType.I16 or ElementType.U32 or ElementType.I32 or ElementType.U64 or ElementType.I64;

    /// <summary>Elements to fp32, rounded to nearest even where fp32 is narrower.</summary>
    /// <param name="bytes">[values] elements.</param>
    /// <exception cref="NotSupportedException">Complex numbers.</exception>
    public static void ToSingle(this ElementType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        if (bytes.Length != (long)values.Length * type.Size())
            throw new ArgumentException($"{values.Length} values do not go with {bytes.Length} bytes of {type}");
        switch (type)
        {
            case ElementType.F32:
                BlockFormats.F32.Dequantize(bytes, values);
                break;
            case ElementType.F16:
                BlockFormats.F16.Dequantize(bytes, values);
                break;
            case ElementType.BF16:
                BlockFormats.BF16.Dequantize(bytes, values);
                break;
            case ElementType.C64:
                throw new NotSupportedException("complex numbers cannot be read as fp32");
            default:
                for (var i = 0; i < values.Length; i++)
                    values[i] = ToSingle(type, bytes[(i * type.Size())..]);
                break;
        }
    }

    /// <summary>Fp32 to elements; F32, F16 and BF16 only, rounded to nearest even.</summary>
    /// <exception cref="NotSupportedException">Another type.</exception>
    public static void FromSingle(this ElementType type, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        var format = type switch
        {
            ElementType.F32 => BlockFormats.F32,
            ElementType.F16 => BlockFormats.F16,
            ElementType.BF16 => BlockFormats.BF16,
            _ => throw new NotSupportedException($"values cannot be written as {type}"),
        };
        format.Quantize(values, bytes);
    }

    /// <summary>Integer elements in an integer type that holds them.</summary>
    /// <exception cref="NotSupportedException">Not integers.</exception>
    /// <exception cref="OverflowException">A value does not fit.</exception>
    public static void ToInteger<T>(this ElementType type, ReadOnlySpan<byte> bytes, Span<T> values)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (bytes.Length != (long)values.Length * type.Size())
            throw new ArgumentException($"{values.Length} values do not go with {bytes.Length} bytes of {type}");
        for (var i = 0; i < values.Length; i++)
            values[i] = ToInteger<T>(type, bytes[(i * type.Size())..]);
    }

    private static T ToInteger<T>(ElementType type, ReadOnlySpan<byte> at)
        where T : unmanaged, IBinaryInteger<T> => type switch
        {
            ElementType.BOOL or ElementType.U8 => T.CreateChecked(at[0]),
            ElementType.I8 => T.CreateChecked((sbyte)at[0]),
            ElementType.U16 => T.CreateChecked(BinaryPrimitives.ReadUInt16LittleEndian(at)),
            ElementType.I16 => T.CreateChecked(BinaryPrimitives.ReadInt16LittleEndian(at)),
            ElementType.U32 => T.CreateChecked(BinaryPrimitives.ReadUInt32LittleEndian(at)),
            ElementType.I32 => T.CreateChecked(BinaryPrimitives.ReadInt32LittleEndian(at)),
            ElementType.U64 => T.CreateChecked(BinaryPrimitives.ReadUInt64LittleEndian(at)),
            ElementType.I64 => T.CreateChecked(BinaryPrimitives.ReadInt64LittleEndian(at)),
            _ => throw new NotSupportedException($"{type} is not an integer type"),
        };

    private static float ToSingle(ElementType type, ReadOnlySpan<byte> at) => type switch
    {
        ElementType.BOOL or ElementType.U8 => at[0],
        ElementType.I8 => (sbyte)at[0],
        ElementType.F8_E4M3 => FromE4M3(at[0]),
        // E5M2 is the upper half of fp16, E8M0 a bare power of two.
        ElementType.F8_E5M2 => (float)BitConverter.UInt16BitsToHalf((ushort)(at[0] << 8)),
        ElementType.F8_E8M0 => at[0] == 0xFF ? float.NaN : MathF.ScaleB(1, at[0] - 127),
        ElementType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(at),
        ElementType.I16 => BinaryPrimitives.ReadInt16LittleEndian(at),
        ElementType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(at),
        ElementType.I32 => BinaryPrimitives.ReadInt32LittleEndian(at),
        ElementType.U64 => BinaryPrimitives.ReadUInt64LittleEndian(at),
        ElementType.I64 => BinaryPrimitives.ReadInt64LittleEndian(at),
        ElementType.F64 => (float)BinaryPrimitives.ReadDoubleLittleEndian(at),
        _ => throw new NotSupportedException($"{type} cannot be read as fp32"),
    };

    /// <summary>The form without infinity: S.1111.111 is NaN, the largest value 448.</summary>
    private static float FromE4M3(byte bits)
    {
        var (exponent, mantissa) = ((bits >> 3) & 15, bits & 7);
        var magnitude = (exponent, mantissa) switch
        {
            (15, 7) => float.NaN,
            (0, _) => MathF.ScaleB(mantissa, -9),
            _ => MathF.ScaleB(8 + mantissa, exponent - 10),
        };
        return bits < 0x80 ? magnitude : -magnitude;
    }
}
