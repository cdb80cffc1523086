using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Between fp32 and IEEE 754 binary16: to it rounded to nearest, half to even; back without loss.</summary>
public static unsafe class HalfConversion
{
    /// <summary>destination = source; beyond the range of halves lies infinity.</summary>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static void Narrow(ReadOnlySpan<float> source, Span<Half> destination)
    {
        Shapes.Require(destination.Length, 1, source.Length, nameof(destination));
        var i = 0;
        fixed (float* from = source)
        fixed (Half* to = destination)
            if (Vector256.IsHardwareAccelerated)
                for (; i + 16 <= source.Length; i += 16)
                    Vector256.Narrow(Narrow(Vector256.Load((uint*)from + i)), Narrow(Vector256.Load((uint*)from + i + 8))).Store((ushort*)to + i);
        for (; i < source.Length; i++)
            destination[i] = (Half)source[i];
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

    internal static void Widen(Half* from, int count, float* to)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16)
            {
                var (low, high) = Vector256.Widen(Vector256.Load((ushort*)from + i));
                Widen(low).Store(to + i);
                Widen(high).Store(to + i + 8);
            }
        for (; i < count; i++)
            to[i] = (float)from[i];
    }

    // Exponent and fraction move to their places in an fp32, whose exponent is then 112 too small: a product with 2^112
    // mends it, for subnormals too. Only infinities and NaN need their exponent filled up.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(Vector256<uint> bits)
    {
        var magnitude = (bits & Vector256.Create(0x7fffu)) << 13;
        var value = (magnitude.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle((127 + 112) << 23))).AsUInt32();
        var special = Vector256.GreaterThanOrEqual(magnitude.AsInt32(), Vector256.Create(0x7c00 << 13)).AsUInt32();
        value = Vector256.ConditionalSelect(special, magnitude | Vector256.Create(0x7f800000u), value);
        return (value | (bits & Vector256.Create(0x8000u)) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Narrow(Vector256<uint> bits)
    {
        var sign = (bits >> 16) & Vector256.Create(0x8000u);
        var magnitude = bits & Vector256.Create(0x7fffffffu);
        // Normal halves: the exponent moves down by 112, and half a unit (less one, if the last digit kept is even) carries.
        var normal = (magnitude - Vector256.Create(112u << 23) + Vector256.Create(0xfffu) + ((magnitude >> 13) & Vector256<uint>.One)) >> 13;
        // Subnormal ones: an addition of 0.5 leaves their units of 2^-24 in the last digits, rounded.
        var half = Vector256.Create(0.5f);
        var small = (magnitude.AsSingle() + half).AsUInt32() - half.AsUInt32();
        var result = Vector256.ConditionalSelect(Vector256.LessThan(magnitude.AsInt32(), Vector256.Create(113 << 23)).AsUInt32(), small, normal);
        var special = Vector256.ConditionalSelect(
            Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create(0x7f800000)).AsUInt32(), Vector256.Create(0x7e00u), Vector256.Create(0x7c00u));
        return sign | Vector256.ConditionalSelect(Vector256.GreaterThan(magnitude.AsInt32(), Vector256.Create(0x477fffff)).AsUInt32(), special, result);
    }
}
