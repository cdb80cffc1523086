using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Products of 16 codes and 16 activations with vectors of 128 bits: dot products of bytes where the processor has them (Arm DotProd), else pairs
/// of products in 16 bits.</summary>
internal static unsafe class Int8DotVector128
{
    private const int Half = QuantizedActivations.GroupSize / 2;

    /// <summary>The sums of a group times its factor, added to lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Add(Vector128<float> sum, Vector128<int> dots, float factor) =>
        Vector128.MultiplyAddEstimate(Vector128.ConvertToSingle(dots), Vector128.Create(factor), sum);

    /// <summary>The products of 32 codes below 128, times their factor or those of the halves, added to lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add<TGroups>(Vector128<float> sum, Vector128<byte> first, Vector128<byte> second, sbyte* x, float* factors)
        where TGroups : struct, IGroupFactors =>
        TGroups.Count == 1
            ? Add(sum, Dot(first, x, Dot(second, x + Half, Vector128<int>.Zero)), factors[0])
            : Add(Add(sum, Dot(first, x, Vector128<int>.Zero), factors[0]), Dot(second, x + Half, Vector128<int>.Zero), factors[1]);

    /// <summary>The same of codes of 8 bits less 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> AddFromMiddle<TGroups>(Vector128<float> sum, Vector128<byte> first, Vector128<byte> second, sbyte* x, float* factors)
        where TGroups : struct, IGroupFactors =>
        TGroups.Count == 1
            ? Add(sum, DotFromMiddle(first, x, DotFromMiddle(second, x + Half, Vector128<int>.Zero)), factors[0])
            : Add(Add(sum, DotFromMiddle(first, x, Vector128<int>.Zero), factors[0]), DotFromMiddle(second, x + Half, Vector128<int>.Zero), factors[1]);

    /// <summary>Codes below 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Dot(Vector128<byte> codes, sbyte* x, Vector128<int> sum) =>
        Ssse3.IsSupported ? sum + Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(codes, Vector128.Load(x)), Vector128<short>.One) : Dot(codes.AsSByte(), Vector128.Load(x), sum);

    /// <summary>Codes of 8 bits less 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> DotFromMiddle(Vector128<byte> codes, sbyte* x, Vector128<int> sum)
    {
        var w = (codes ^ Vector128.Create((byte)128)).AsSByte();
        return Ssse3.IsSupported
            ? sum + Sse2.MultiplyAddAdjacent(Ssse3.MultiplyAddAdjacent(Ssse3.Abs(w), Ssse3.Sign(Vector128.Load(x), w)), Vector128<short>.One)
            : Dot(w, Vector128.Load(x), sum);
    }

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
}
