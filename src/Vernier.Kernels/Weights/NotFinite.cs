using System.Numerics;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>Finds NaN and infinity: numbers whose exponent is all ones.</summary>
internal static class NotFinite
{
    private const uint SingleExponent = 0x7F800000;

    /// <summary>The first value that is NaN or infinite; -1 where there is none.</summary>
    public static int IndexIn(ReadOnlySpan<float> values)
    {
        var bits = MemoryMarshal.Cast<float, uint>(values);
        var i = 0;
        for (var mask = new Vector<uint>(SingleExponent); i <= bits.Length - Vector<uint>.Count; i += Vector<uint>.Count)
            if (Vector.EqualsAny(new Vector<uint>(bits[i..]) & mask, mask))
                break;
        for (; i < bits.Length; i++)
            if ((bits[i] & SingleExponent) == SingleExponent)
                return i;
        return -1;
    }

    /// <summary>The first value of 16 bits that is NaN or infinite; -1 where there is none.</summary>
    public static int IndexIn(ReadOnlySpan<ushort> bits, HalfFormat format)
    {
        var exponent = (ushort)(format == HalfFormat.Fp16 ? 0x7C00 : 0x7F80);
        var i = 0;
        for (var mask = new Vector<ushort>(exponent); i <= bits.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            if (Vector.EqualsAny(new Vector<ushort>(bits[i..]) & mask, mask))
                break;
        for (; i < bits.Length; i++)
            if ((bits[i] & exponent) == exponent)
                return i;
        return -1;
    }

    /// <summary>The first group that has a weight which is NaN or infinite; -1 where there is none.</summary>
    /// <param name="scale">[groups].</param>
    /// <param name="offset">[groups].</param>
    /// <param name="largest">The largest number that is multiplied by a scale.</param>
    public static int GroupIn(ReadOnlySpan<float> scale, ReadOnlySpan<float> offset, float largest)
    {
        if (scale.Length != offset.Length)
            throw new ArgumentException($"{offset.Length} offsets for {scale.Length} scales", nameof(offset));
        var i = 0;
        for (var mask = new Vector<uint>(SingleExponent); i <= scale.Length - Vector<float>.Count; i += Vector<float>.Count)
            if (Vector.EqualsAny(Vector.AsVectorUInt32(new Vector<float>(scale[i..]) * largest + new Vector<float>(offset[i..])) & mask, mask))
                break;
        for (; i < scale.Length; i++)
            if (!float.IsFinite(scale[i] * largest + offset[i]))
                return i;
        return -1;
    }
}
