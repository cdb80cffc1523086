using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The products of 32 codes and 32 activations with AVX2, times their factor, added to lanes: what all rows are made of.</summary>
internal static unsafe class Int8DotAvx2
{
    /// <summary>Codes of 8 bits are counted from here where pairs of products must fit 16 bits.</summary>
    public static float ByteMiddle => AvxVnni.IsSupported ? 0 : 128;

    /// <summary>Codes below 128: pairs of products stay below 2^15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scaled(Vector256<byte> codes, Vector256<sbyte> x, float* factor, Vector256<float> sum) => Scaled<WholeGroups>(codes, x, factor, sum);

    /// <inheritdoc cref="Scaled(Vector256{byte}, Vector256{sbyte}, float*, Vector256{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scaled<TGroups>(Vector256<byte> codes, Vector256<sbyte> x, float* factors, Vector256<float> sum)
        where TGroups : struct, IGroupFactors
    {
        var dots = AvxVnni.IsSupported
            ? AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, codes, x)
            : Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, x), Vector256.Create((short)1));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), TGroups.Load(factors), sum);
    }

    /// <summary>Codes of 8 bits less <see cref="ByteMiddle"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScaledFromMiddle(Vector256<byte> codes, Vector256<sbyte> x, float* factor, Vector256<float> sum) => ScaledFromMiddle<WholeGroups>(codes, x, factor, sum);

    /// <inheritdoc cref="ScaledFromMiddle(Vector256{byte}, Vector256{sbyte}, float*, Vector256{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScaledFromMiddle<TGroups>(Vector256<byte> codes, Vector256<sbyte> x, float* factors, Vector256<float> sum)
        where TGroups : struct, IGroupFactors
    {
        if (AvxVnni.IsSupported)
            return Scaled<TGroups>(codes, x, factors, sum);
        var w = (codes ^ Vector256.Create((byte)128)).AsSByte();
        return ScaledSigned<TGroups>(w, x, factors, sum);
    }

    /// <summary>Signed codes: their magnitudes times the activations under their signs, at most 2 * 128 * 127 a pair.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScaledSigned<TGroups>(Vector256<sbyte> codes, Vector256<sbyte> x, float* factors, Vector256<float> sum)
        where TGroups : struct, IGroupFactors => Scaled<TGroups>(Avx2.Abs(codes), Avx2.Sign(x, codes), factors, sum);

    /// <summary>Codes of 8 bits. Without VNNI a pair of products may exceed 16 bits: halves of the codes go one after the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScaledFull(Vector256<byte> codes, Vector256<sbyte> x, float* factor, Vector256<float> sum) => ScaledFull<WholeGroups>(codes, x, factor, sum);

    /// <inheritdoc cref="ScaledFull(Vector256{byte}, Vector256{sbyte}, float*, Vector256{float})"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScaledFull<TGroups>(Vector256<byte> codes, Vector256<sbyte> x, float* factors, Vector256<float> sum)
        where TGroups : struct, IGroupFactors
    {
        if (AvxVnni.IsSupported)
            return Scaled<TGroups>(codes, x, factors, sum);
        var mask = Vector256.Create((byte)15);
        var low = Avx2.MultiplyAddAdjacent(codes & mask, x);
        var high = Avx2.MultiplyAddAdjacent((codes.AsUInt16() >> 4).AsByte() & mask, x);
        var dots = Avx2.MultiplyAddAdjacent(low, Vector256.Create((short)1)) + Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)16));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), TGroups.Load(factors), sum);
    }
}
