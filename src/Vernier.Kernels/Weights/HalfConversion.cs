using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Between fp32 and IEEE 754 binary16: to it rounded to nearest, half to even; back without loss.</summary>
internal static unsafe class HalfConversion
{
    /// <summary>destination = source; beyond the range of halves lies infinity.</summary>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static void Narrow(ReadOnlySpan<float> source, Span<Half> destination)
    {
        Shapes.Require(destination.Length, 1, source.Length, nameof(destination));
        fixed (float* from = source)
        fixed (Half* to = destination)
            Narrow(from, source.Length, to);
    }

    /// <summary>destination = source where that loses no bit of any element and all are finite.</summary>
    /// <returns>Whether it does; else the destination holds anything.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static bool NarrowExactly(ReadOnlySpan<float> source, Span<Half> destination)
    {
        Narrow(source, destination);
        for (var i = 0; i < source.Length; i++)
            if (!float.IsFinite(source[i]) || BitConverter.SingleToInt32Bits((float)destination[i]) != BitConverter.SingleToInt32Bits(source[i]))
                return false;
        return true;
    }

    /// <summary>destination = source.</summary>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static void Widen(ReadOnlySpan<Half> source, Span<float> destination)
    {
        Shapes.Require(destination.Length, 1, source.Length, nameof(destination));
        fixed (Half* from = source)
        fixed (float* to = destination)
            Widen(from, source.Length, to);
    }

    [MethodImpl(Kernel.Body)]
    private static void Narrow(float* from, int count, Half* to)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
            for (; i + Vector<ushort>.Count <= count; i += Vector<ushort>.Count)
                Vector.Narrow(Narrow(Vector.Load((uint*)from + i)), Narrow(Vector.Load((uint*)from + i + Vector<uint>.Count))).Store((ushort*)to + i);
        for (; i < count; i++)
            to[i] = (Half)from[i];
    }

    [MethodImpl(Kernel.Body)]
    internal static void Widen(Half* from, int count, float* to)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
            for (; i + Vector<ushort>.Count <= count; i += Vector<ushort>.Count)
            {
                Vector.Widen(Vector.Load((ushort*)from + i), out var low, out var high);
                Widen(low).Store(to + i);
                Widen(high).Store(to + i + Vector<float>.Count);
            }
        for (; i < count; i++)
            to[i] = (float)from[i];
    }

    // Exponent and fraction move to their places in an fp32, whose exponent is then 112 too small: a product with 2^112
    // mends it, for subnormals too. Only infinities and NaN need their exponent filled up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Widen(Vector<uint> bits)
    {
        var magnitude = (bits & Vector.Create(0x7fffu)) << 13;
        var value = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) * Vector.Create(BitConverter.UInt32BitsToSingle((127 + 112) << 23)));
        var special = Vector.AsVectorUInt32(Vector.GreaterThanOrEqual(Vector.AsVectorInt32(magnitude), Vector.Create(0x7c00 << 13)));
        value = Vector.ConditionalSelect(special, magnitude | Vector.Create(0x7f800000u), value);
        return Vector.AsVectorSingle(value | (bits & Vector.Create(0x8000u)) << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> Narrow(Vector<uint> bits)
    {
        var sign = (bits >> 16) & Vector.Create(0x8000u);
        var magnitude = bits & Vector.Create(0x7fffffffu);
        var signed = Vector.AsVectorInt32(magnitude);
        // Normal halves: the exponent moves down by 112, and half a unit (less one, if the last digit kept is even) carries.
        var normal = (magnitude - Vector.Create(112u << 23) + Vector.Create(0xfffu) + ((magnitude >> 13) & Vector<uint>.One)) >> 13;
        // Subnormal ones: an addition of 0.5 leaves their units of 2^-24 in the last digits, rounded.
        var half = Vector.Create(0.5f);
        var small = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) + half) - Vector.AsVectorUInt32(half);
        var result = Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.LessThan(signed, Vector.Create(113 << 23))), small, normal);
        var special = Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.GreaterThan(signed, Vector.Create(0x7f800000))), Vector.Create(0x7e00u), Vector.Create(0x7c00u));
        return sign | Vector.ConditionalSelect(Vector.AsVectorUInt32(Vector.GreaterThan(signed, Vector.Create(0x477fffff))), special, result);
    }
}
