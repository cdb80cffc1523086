using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>One row of <see cref="Int8GemvDriver"/> with vectors of 128 bits: dot products of bytes where the processor has them (Arm DotProd), else pairs
/// of products in 16 bits.</summary>
internal static unsafe class Int8GemvRowVector128
{
    private const int Half = QuantizedActivations.GroupSize / 2;

    /// <summary>Σ factor * Σ code * x over the groups. Codes of 8 bits are counted from 128.</summary>
    /// <param name="packed">The row.</param>
    /// <param name="codes">The same, one a byte; of a row of 4 or 8 bits it is not read.</param>
    /// <param name="groups">Even.</param>
    public static float Dot(int bits, byte* packed, byte* codes, float* factors, int groups, sbyte* x) => bits switch
    {
        4 => FourBits(packed, factors, groups, x),
        8 => Bytes<EightBits>(packed, factors, groups, x),
        _ => Bytes<FewBits>(codes, factors, groups, x),
    };

    // A chunk of 64 codes in 32 bytes, the first 32 in the lower halves.
    [MethodImpl(Kernel.Body)]
    private static float FourBits(byte* codes, float* factors, int groups, sbyte* x)
    {
        var mask = Vector128.Create((byte)15);
        var (first, second) = (Vector128<float>.Zero, Vector128<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 2 * Half, x += 4 * Half)
        {
            var (v0, v1) = (Vector128.Load(codes), Vector128.Load(codes + Half));
            first = Add(first, Dot(v0 & mask, x, Dot(v1 & mask, x + Half, Vector128<int>.Zero)), factors[g]);
            second = Add(second, Dot(v0 >> 4, x + 2 * Half, Dot(v1 >> 4, x + 3 * Half, Vector128<int>.Zero)), factors[g + 1]);
        }
        return Vector128.Sum(first + second);
    }

    [MethodImpl(Kernel.Body)]
    private static float Bytes<TCodes>(byte* codes, float* factors, int groups, sbyte* x)
        where TCodes : struct, ICodes
    {
        var (first, second) = (Vector128<float>.Zero, Vector128<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 4 * Half, x += 4 * Half)
        {
            first = Add(first, TCodes.Dot(Vector128.Load(codes), x, TCodes.Dot(Vector128.Load(codes + Half), x + Half, Vector128<int>.Zero)), factors[g]);
            second = Add(second, TCodes.Dot(Vector128.Load(codes + 2 * Half), x + 2 * Half, TCodes.Dot(Vector128.Load(codes + 3 * Half), x + 3 * Half, Vector128<int>.Zero)), factors[g + 1]);
        }
        return Vector128.Sum(first + second);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(Vector128<float> sum, Vector128<int> dots, float factor) =>
        Vector128.MultiplyAddEstimate(Vector128.ConvertToSingle(dots), Vector128.Create(factor), sum);

    // Codes below 128.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(Vector128<byte> codes, sbyte* x, Vector128<int> sum) =>
        Ssse3.IsSupported ? sum + Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(codes, Vector128.Load(x)), Vector128<short>.One) : Dot(codes.AsSByte(), Vector128.Load(x), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(Vector128<sbyte> codes, Vector128<sbyte> x, Vector128<int> sum)
    {
        if (Dp.IsSupported)
            return Dp.DotProduct(sum, codes, x);
        if (AdvSimd.IsSupported) // two products of at most 128 * 127 fit 16 bits
            return AdvSimd.AddPairwiseWideningAndAdd(sum, AdvSimd.MultiplyWideningUpperAndAdd(AdvSimd.MultiplyWideningLower(codes.GetLower(), x.GetLower()), codes, x));
        var ((c0, c1), (x0, x1)) = (Vector128.Widen(codes), Vector128.Widen(x));
        var ((p0, p1), (p2, p3)) = (Vector128.Widen(c0 * x0), Vector128.Widen(c1 * x1));
        return sum + (p0 + p1) + (p2 + p3);
    }

    private interface ICodes
    {
        static abstract Vector128<int> Dot(Vector128<byte> codes, sbyte* x, Vector128<int> sum);
    }

    private readonly struct FewBits : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<int> Dot(Vector128<byte> codes, sbyte* x, Vector128<int> sum) => Int8GemvRowVector128.Dot(codes, x, sum);
    }

    private readonly struct EightBits : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<int> Dot(Vector128<byte> codes, sbyte* x, Vector128<int> sum)
        {
            var w = (codes ^ Vector128.Create((byte)128)).AsSByte();
            return Ssse3.IsSupported
                ? sum + Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(Ssse3.Abs(w), Ssse3.Sign(Vector128.Load(x), w)), Vector128<short>.One)
                : Int8GemvRowVector128.Dot(w, Vector128.Load(x), sum);
        }
    }
}
