using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Random numbers from counters, by multiplications and shifts (the constants are those of C. Wellons' search for low bias).</summary>
internal static class CounterRandom
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Bits(Vector256<uint> x)
    {
        x = (x ^ (x >> 16)) * 0x7feb352du;
        x = (x ^ (x >> 15)) * 0x846ca68bu;
        return x ^ (x >> 16);
    }

    /// <inheritdoc cref="Bits(Vector256{uint})"/>
    public static uint Bits(uint x)
    {
        x = (x ^ (x >> 16)) * 0x7feb352du;
        x = (x ^ (x >> 15)) * 0x846ca68bu;
        return x ^ (x >> 16);
    }

    /// <summary>In [0, 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Uniform(Vector256<uint> counter) => Vector256.ConvertToSingle((Bits(counter) >> 8).AsInt32()) * (1f / (1 << 24));

    /// <inheritdoc cref="Uniform(Vector256{uint})"/>
    public static float Uniform(uint counter) => (Bits(counter) >> 8) * (1f / (1 << 24));
}
