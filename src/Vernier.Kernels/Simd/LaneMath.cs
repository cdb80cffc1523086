using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Elementary functions on lanes. Relative errors are a few units of the last place over the whole range; a NaN comes through.</summary>
internal static unsafe class LaneMath
{
    /// <summary>e^x: 0 below -104, infinite above 88.73.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V x)
        where V : unmanaged, ILanes<V>
    {
        x = V.Min(V.Create(89f), V.Max(V.Create(-104f), x));
        var n = V.Round(x * V.Create(1.44269504f));
        // ln 2 in two parts: the product of n and the first is exact
        var r = V.MultiplyAdd(n, V.Create(-0.693359375f), x);
        r = V.MultiplyAdd(n, V.Create(2.12194440e-4f), r);
        var p = V.MultiplyAdd(V.Create(1.9875691500e-4f), r, V.Create(1.3981999507e-3f));
        p = V.MultiplyAdd(p, r, V.Create(8.3334519073e-3f));
        p = V.MultiplyAdd(p, r, V.Create(4.1665795894e-2f));
        p = V.MultiplyAdd(p, r, V.Create(1.6666665459e-1f));
        p = V.MultiplyAdd(p, r, V.Create(5.0000001201e-1f));
        p = V.MultiplyAdd(p, r * r, r) + V.Create(1f);
        return V.ScaleByPowerOfTwo(p, n);
    }

    /// <summary>1 / (1 + e^-x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Sigmoid<V>(V x)
        where V : unmanaged, ILanes<V> =>
        V.Create(1f) / (V.Create(1f) + Exp(V.Create(0f) - x));

    /// <summary>The hyperbolic tangent: below 0.625 a polynomial (Cephes), above 1 - 2 / (e^2|x| + 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V x)
        where V : unmanaged, ILanes<V>
    {
        var z = V.Abs(x);
        var square = x * x;
        var p = V.MultiplyAdd(V.Create(-5.70498872745e-3f), square, V.Create(2.06390887954e-2f));
        p = V.MultiplyAdd(p, square, V.Create(-5.37397155531e-2f));
        p = V.MultiplyAdd(p, square, V.Create(1.33314422036e-1f));
        p = V.MultiplyAdd(p, square, V.Create(-3.33332819422e-1f));
        var small = V.MultiplyAdd(p * square, x, x);
        var large = V.Create(1f) - V.Create(2f) / (Exp(z + z) + V.Create(1f));
        large = V.IfLess(x, V.Create(0f), V.Create(0f) - large, large);
        return V.IfLess(V.Create(0.625f), z, large, small);
    }

    /// <summary>The normal distribution function Φ(x), exact to a few units of the last place in both tails, and its density φ(x).
    /// Φ(-z) = φ-like exp(-z²/2) times a smooth function of 1 / (1 + 0.3 z), a Chebyshev fit on z in [0, 14].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V NormalDistribution<V>(V x, out V density)
        where V : unmanaged, ILanes<V>
    {
        var z = V.Abs(x);
        var square = z * z;
        var rest = V.MultiplyAdd(z, z, V.Create(0f) - square);
        // e^-(square + rest)/2; beyond 15 everything is 0, and an infinite square would make the rest a NaN
        var e = Exp(square * V.Create(-0.5f)) * V.MultiplyAdd(rest, V.Create(-0.5f), V.Create(1f));
        e = V.IfLess(V.Create(15f), z, V.Create(0f), e);
        density = e * V.Create(0.398942280f);
        var t = V.Create(1f) / V.MultiplyAdd(z, V.Create(0.3f), V.Create(1f));
        var p = V.MultiplyAdd(V.Create(-0.020914359741886077f), t, V.Create(0.11404027215134194f));
        p = V.MultiplyAdd(p, t, V.Create(-0.23203848313283643f));
        p = V.MultiplyAdd(p, t, V.Create(0.1969406772963918f));
        p = V.MultiplyAdd(p, t, V.Create(-0.0837425492604309f));
        p = V.MultiplyAdd(p, t, V.Create(0.09848074031920062f));
        p = V.MultiplyAdd(p, t, V.Create(0.07758906432941214f));
        p = V.MultiplyAdd(p, t, V.Create(0.11040517985698928f));
        p = V.MultiplyAdd(p, t, V.Create(0.11955176322748273f));
        p = V.MultiplyAdd(p, t, V.Create(0.11968769314524275f));
        var tail = e * p * t;
        return V.IfLess(V.Create(0f), x, V.Create(1f) - tail, tail);
    }

    /// <summary>Loads floats or halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V, T>(T* source)
        where V : unmanaged, ILanes<V>
        where T : unmanaged =>
        typeof(T) == typeof(Half) ? V.Load((Half*)source) : V.Load((float*)source);

    /// <summary>The first <paramref name="count"/> (below V.Count) floats, then <paramref name="fill"/>.</summary>
    public static V LoadPartial<V>(float* source, int count, float fill = 0f)
        where V : unmanaged, ILanes<V>
    {
        var padded = stackalloc float[16];
        for (var i = 0; i < V.Count; i++)
            padded[i] = i < count ? source[i] : fill;
        return V.Load(padded);
    }

    /// <summary>Stores the first <paramref name="count"/> (below V.Count) lanes.</summary>
    public static void StorePartial<V>(V value, float* destination, int count)
        where V : unmanaged, ILanes<V>
    {
        var padded = stackalloc float[16];
        value.Store(padded);
        for (var i = 0; i < count; i++)
            destination[i] = padded[i];
    }
}
