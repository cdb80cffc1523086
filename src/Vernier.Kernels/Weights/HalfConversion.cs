using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>fp32 to IEEE 754 binary16, rounded to nearest, half to even: keys and values on their way into a cache.</summary>
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
