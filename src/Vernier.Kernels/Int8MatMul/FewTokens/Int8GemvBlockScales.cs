using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Scales of groups of 32 times those of the activations, eight groups a vector.</summary>
internal static unsafe class Int8GemvBlockScales
{
    private const int Lanes = 8;

    /// <summary>Writes four rows' scales times a token's to the scratch, and gives the terms of Σ (offset + middle * scale) * sum: what codes that are counted
    /// from the middle leave out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OfFourRows<TScales>(
        in Int8GemvRows rows, int row, int token, float middle, out Vector256<float> s0, out Vector256<float> s1, out Vector256<float> s2, out Vector256<float> s3)
        where TScales : struct, IGemvScales
    {
        var (groups, f) = (rows.Groups, rows.Padded);
        var at = (long)row * groups;
        var xScales = rows.XScales + (long)token * f;
        var xSums = rows.XSums + (long)token * f;
        var to = rows.Factors;
        (s0, s1, s2, s3) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < f; g += Lanes, at += Lanes, to += Lanes)
        {
            var (x, sum) = (Vector256.Load(xScales + g), Vector256.Load(xSums + g));
            s0 = Terms(TScales.Load(rows.Scale, at), TScales.Load(rows.Offset, at), middle, x, sum, to, s0);
            s1 = Terms(TScales.Load(rows.Scale, at + groups), TScales.Load(rows.Offset, at + groups), middle, x, sum, to + f, s1);
            s2 = Terms(TScales.Load(rows.Scale, at + 2 * groups), TScales.Load(rows.Offset, at + 2 * groups), middle, x, sum, to + 2 * f, s2);
            s3 = Terms(TScales.Load(rows.Scale, at + 3 * groups), TScales.Load(rows.Offset, at + 3 * groups), middle, x, sum, to + 3 * f, s3);
        }
    }

    /// <summary>The same for eight groups of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Terms(Vector256<float> scale, Vector256<float> offset, float middle, Vector256<float> x, Vector256<float> sum, float* factors, Vector256<float> terms)
    {
        (scale * x).Store(factors);
        return Fma.MultiplyAdd(middle == 0 ? offset : Fma.MultiplyAdd(scale, Vector256.Create(middle), offset), sum, terms);
    }

    /// <summary>Four rows side by side look like no stream to the processor: prefetches what comes some rows later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<TScales>(in Int8GemvRows rows, int row)
        where TScales : struct, IGemvScales
    {
        if (row >= rows.Rows)
            return;
        Int8GemvPrefetch.Fetch(rows.Codes + row * rows.RowBytes, 4 * rows.RowBytes);
        var (at, bytes) = (TScales.Bytes((long)row * rows.Groups), TScales.Bytes(4L * rows.Groups));
        Int8GemvPrefetch.Fetch((byte*)rows.Scale + at, bytes);
        if (rows.Offset != rows.Scale)
            Int8GemvPrefetch.Fetch((byte*)rows.Offset + at, bytes);
    }
}
