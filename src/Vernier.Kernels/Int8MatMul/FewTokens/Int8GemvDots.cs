using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The innermost loops of <see cref="Int8GemvDriver"/>.</summary>
internal static unsafe class Int8GemvDots
{
    private const int Lanes = 8;

    /// <summary>Codes of 8 bits are counted from here where pairs of products must fit 16 bits.</summary>
    public static float ByteMiddle => AvxVnni.IsSupported ? 0 : 128;

    /// <summary>Rows of 4-bit codes in groups of 32, four at a time.</summary>
    [MethodImpl(Kernel.Body)]
    public static void RowsOfFourBits<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        var mask = Vector256.Create((byte)15);
        var (f, rowBytes) = (rows.Padded, rows.RowBytes);
        for (var row = 0; row < rows.Ahead; row += 4)
            Prefetch<TScales>(rows, row);
        for (var row = 0; row < rows.Rows; row += 4)
        {
            Prefetch<TScales>(rows, row + rows.Ahead);
            for (var t = 0; t < rows.Tokens; t++)
            {
                FourFactors<TScales>(rows, row, t, 0, out var s0, out var s1, out var s2, out var s3);
                var w = rows.Codes + row * rowBytes;
                var x = rows.X + t * rows.XStride;
                var p = rows.Factors;
                for (var g = 0; g < rows.XGroups; g += 2, w += 32, x += 64, p += 2)
                {
                    var (x0, x1) = (Vector256.Load(x), Vector256.Load(x + 32));
                    var v = Vector256.Load(w);
                    s0 = Scaled(v & mask, x0, p, s0);
                    s0 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s0);
                    v = Vector256.Load(w + rowBytes);
                    s1 = Scaled(v & mask, x0, p + f, s1);
                    s1 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + f + 1, s1);
                    v = Vector256.Load(w + 2 * rowBytes);
                    s2 = Scaled(v & mask, x0, p + 2 * f, s2);
                    s2 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 2 * f + 1, s2);
                    v = Vector256.Load(w + 3 * rowBytes);
                    s3 = Scaled(v & mask, x0, p + 3 * f, s3);
                    s3 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 3 * f + 1, s3);
                }
                Store(rows, row, t, HorizontalSums.Each(s0, s1, s2, s3));
            }
        }
    }

    /// <summary>Rows of 8-bit codes in groups of 32, four at a time.</summary>
    [MethodImpl(Kernel.Body)]
    public static void RowsOfBytes<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        var (f, rowBytes) = (rows.Padded, rows.RowBytes);
        for (var row = 0; row < rows.Ahead; row += 4)
            Prefetch<TScales>(rows, row);
        for (var row = 0; row < rows.Rows; row += 4)
        {
            Prefetch<TScales>(rows, row + rows.Ahead);
            for (var t = 0; t < rows.Tokens; t++)
            {
                FourFactors<TScales>(rows, row, t, rows.Middle, out var s0, out var s1, out var s2, out var s3);
                var w = rows.Codes + row * rowBytes;
                var x = rows.X + t * rows.XStride;
                var p = rows.Factors;
                for (var g = 0; g < rows.XGroups; g++, w += 32, x += 32, p++)
                {
                    var v = Vector256.Load(x);
                    s0 = ScaledFromMiddle(Vector256.Load(w), v, p, s0);
                    s1 = ScaledFromMiddle(Vector256.Load(w + rowBytes), v, p + f, s1);
                    s2 = ScaledFromMiddle(Vector256.Load(w + 2 * rowBytes), v, p + 2 * f, s2);
                    s3 = ScaledFromMiddle(Vector256.Load(w + 3 * rowBytes), v, p + 3 * f, s3);
                }
                Store(rows, row, t, HorizontalSums.Each(s0, s1, s2, s3));
            }
        }
    }

    // The weight's scales times the activations', and the terms of Σ (offset + middle * scale) * sum: what codes that are counted from the middle leave out.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourFactors<TScales>(
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Terms(Vector256<float> scale, Vector256<float> offset, float middle, Vector256<float> x, Vector256<float> sum, float* factors, Vector256<float> terms)
    {
        (scale * x).Store(factors);
        return Fma.MultiplyAdd(middle == 0 ? offset : Fma.MultiplyAdd(scale, Vector256.Create(middle), offset), sum, terms);
    }

    // Four rows side by side look like no stream to the processor: what comes some rows later is asked for here.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch<TScales>(in Int8GemvRows rows, int row)
        where TScales : struct, IGemvScales
    {
        if (row >= rows.Rows)
            return;
        Int8GemvPrefetch.Fetch(rows.Codes + row * rows.RowBytes, 4 * rows.RowBytes);
        var (at, bytes) = ((long)row * rows.Groups * TScales.Bytes, 4L * rows.Groups * TScales.Bytes);
        Int8GemvPrefetch.Fetch((byte*)rows.Scale + at, bytes);
        if (rows.Offset != rows.Scale)
            Int8GemvPrefetch.Fetch((byte*)rows.Offset + at, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(in Int8GemvRows rows, int row, int token, Vector128<float> dots)
    {
        if (rows.RowFactors != null)
            dots *= Vector128.Load(rows.RowFactors + row);
        var y = rows.Y + token * rows.YStride + row;
        (rows.Accumulate ? dots + Vector128.Load(y) : dots).Store(y);
    }

    /// <summary>Four rows of 4-bit codes, chunk by chunk: 64 codes in 32 bytes, the first 32 in the lower halves.</summary>
    [MethodImpl(Kernel.Body)]
    public static Vector128<float> FourRowsOfFourBits(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        var mask = Vector256.Create((byte)15);
        for (var g = 0; g < groups; g += 2, w += 32, x += 64)
        {
            var (x0, x1) = (Vector256.Load(x), Vector256.Load(x + 32));
            var p = factors + g;
            var v = Vector256.Load(w);
            s0 = Scaled(v & mask, x0, p, s0);
            s0 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s0);
            v = Vector256.Load(w + rowBytes);
            p += f;
            s1 = Scaled(v & mask, x0, p, s1);
            s1 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s1);
            v = Vector256.Load(w + 2 * rowBytes);
            p += f;
            s2 = Scaled(v & mask, x0, p, s2);
            s2 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s2);
            v = Vector256.Load(w + 3 * rowBytes);
            p += f;
            s3 = Scaled(v & mask, x0, p, s3);
            s3 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p + 1, s3);
        }
        return HorizontalSums.Each(s0, s1, s2, s3);
    }

    /// <summary>Four rows of 8-bit codes.</summary>
    [MethodImpl(Kernel.Body)]
    public static Vector128<float> FourRowsOfBytes(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        for (var g = 0; g < groups; g++, w += 32, x += 32)
        {
            var v = Vector256.Load(x);
            var p = factors + g;
            s0 = ScaledFromMiddle(Vector256.Load(w), v, p, s0);
            s1 = ScaledFromMiddle(Vector256.Load(w + rowBytes), v, p + f, s1);
            s2 = ScaledFromMiddle(Vector256.Load(w + 2 * rowBytes), v, p + 2 * f, s2);
            s3 = ScaledFromMiddle(Vector256.Load(w + 3 * rowBytes), v, p + 3 * f, s3);
        }
        return HorizontalSums.Each(s0, s1, s2, s3);
    }

    /// <summary>One row of codes below 128, one a byte: pairs of products stay below 2^15.</summary>
    [MethodImpl(Kernel.Body)]
    public static float Bytes256(byte* codes, float* factors, int groups, sbyte* x)
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64)
        {
            s0 = Scaled(Vector256.Load(codes), Vector256.Load(x), factors + g, s0);
            s1 = Scaled(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors + g + 1, s1);
        }
        return Vector256.Sum(s0 + s1);
    }

    /// <summary>One row of codes of 8 bits.</summary>
    [MethodImpl(Kernel.Body)]
    public static float FullBytes256(byte* codes, float* factors, int groups, sbyte* x)
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64)
        {
            s0 = ScaledFull(Vector256.Load(codes), Vector256.Load(x), factors + g, s0);
            s1 = ScaledFull(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors + g + 1, s1);
        }
        return Vector256.Sum(s0 + s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scaled(Vector256<byte> codes, Vector256<sbyte> x, float* factor, Vector256<float> sum)
    {
        var dots = AvxVnni.IsSupported
            ? AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, codes, x)
            : Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, x), Vector256.Create((short)1));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), Avx.BroadcastScalarToVector256(factor), sum);
    }

    // Codes less 128: their magnitudes times the activations under their signs, at most 2 * 128 * 127 a pair.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScaledFromMiddle(Vector256<byte> codes, Vector256<sbyte> x, float* factor, Vector256<float> sum)
    {
        if (AvxVnni.IsSupported)
            return Scaled(codes, x, factor, sum);
        var w = (codes ^ Vector256.Create((byte)128)).AsSByte();
        return Scaled(Avx2.Abs(w), Avx2.Sign(x, w), factor, sum);
    }

    // Without VNNI a pair of 8-bit products may exceed 16 bits: halves of the codes go one after the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ScaledFull(Vector256<byte> codes, Vector256<sbyte> x, float* factor, Vector256<float> sum)
    {
        if (AvxVnni.IsSupported)
            return Scaled(codes, x, factor, sum);
        var mask = Vector256.Create((byte)15);
        var low = Avx2.MultiplyAddAdjacent(codes & mask, x);
        var high = Avx2.MultiplyAddAdjacent((codes.AsUInt16() >> 4).AsByte() & mask, x);
        var dots = Avx2.MultiplyAddAdjacent(low, Vector256.Create((short)1)) + Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)16));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), Avx.BroadcastScalarToVector256(factor), sum);
    }

    public static float Bytes(byte* codes, float* factors, int groups, sbyte* x)
    {
        var sum = 0f;
        for (var g = 0; g < groups; g++, codes += QuantizedActivations.GroupSize, x += QuantizedActivations.GroupSize)
        {
            var dot = 0;
            for (var i = 0; i < QuantizedActivations.GroupSize; i++)
                dot += codes[i] * x[i];
            sum += dot * factors[g];
        }
        return sum;
    }
}
