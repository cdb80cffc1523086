using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>How the codes of a weight lie in an <see cref="Int8Panel"/> and are multiplied by activations: a word of 32 bits is 4 codes of a byte or 2 of
/// 16 bits, and so is a word of activations.</summary>
internal interface IInt8PanelCodes
{
    /// <summary>Words of a row whose products fit one sum.</summary>
    static abstract int Steps { get; }

    /// <summary>Sums for a group of 32 columns.</summary>
    static abstract int Parts { get; }

    /// <summary>Products of the codes of each word, added in pairs.</summary>
    static abstract Vector512<int> Multiply(Vector512<int> codes, Vector512<int> x);

    /// <inheritdoc cref="Multiply(Vector512{int}, Vector512{int})"/>
    static abstract Vector256<int> Multiply(Vector256<int> codes, Vector256<int> x);

    static abstract Vector512<int> Add(Vector512<int> sum, Vector512<int> products);

    static abstract Vector256<int> Add(Vector256<int> sum, Vector256<int> products);

    /// <summary>One number for each word.</summary>
    static abstract Vector512<int> Join(Vector512<int> sum);

    /// <inheritdoc cref="Join(Vector512{int})"/>
    static abstract Vector256<int> Join(Vector256<int> sum);
}

/// <summary>Codes of up to 6 bits are bytes, and their products are summed in 16 bits: n steps reach n * 2 * (2^bits - 1) * 127, which must stay
/// below 2^15. Wider codes are 16 bits each, and their products are summed in 32 bits.</summary>
internal static class Int8PanelCodes
{
    public interface ISteps
    {
        static abstract int Value { get; }
    }

    /// <summary>8 * 2 * 15 * 127 = 30480.</summary>
    public readonly struct FourBits : ISteps
    {
        public static int Value => 8;
    }

    /// <summary>4 * 2 * 31 * 127 = 31496.</summary>
    public readonly struct FiveBits : ISteps
    {
        public static int Value => 4;
    }

    /// <summary>2 * 2 * 63 * 127 = 32004.</summary>
    public readonly struct SixBits : ISteps
    {
        public static int Value => 2;
    }

    public readonly struct Once : ISteps
    {
        public static int Value => 1;
    }

    public readonly struct Twice : ISteps
    {
        public static int Value => 2;
    }

    public readonly struct Narrow<TSteps> : IInt8PanelCodes
        where TSteps : struct, ISteps
    {
        public static int Steps => TSteps.Value;

        public static int Parts => QuantizedActivations.GroupSize / 4 / TSteps.Value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Multiply(Vector512<int> codes, Vector512<int> x) => Avx512BW.MultiplyAddAdjacent(codes.AsByte(), x.AsSByte()).AsInt32();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Multiply(Vector256<int> codes, Vector256<int> x) => Avx2.MultiplyAddAdjacent(codes.AsByte(), x.AsSByte()).AsInt32();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Add(Vector512<int> sum, Vector512<int> products) => (sum.AsInt16() + products.AsInt16()).AsInt32();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Add(Vector256<int> sum, Vector256<int> products) => (sum.AsInt16() + products.AsInt16()).AsInt32();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Join(Vector512<int> sum) => Avx512BW.MultiplyAddAdjacent(sum.AsInt16(), Vector512<short>.One);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Join(Vector256<int> sum) => Avx2.MultiplyAddAdjacent(sum.AsInt16(), Vector256<short>.One);
    }

    public readonly struct Wide<TParts> : IInt8PanelCodes
        where TParts : struct, ISteps
    {
        public static int Steps => QuantizedActivations.GroupSize / 2 / TParts.Value;

        public static int Parts => TParts.Value;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Multiply(Vector512<int> codes, Vector512<int> x) => Avx512BW.MultiplyAddAdjacent(codes.AsInt16(), x.AsInt16());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Multiply(Vector256<int> codes, Vector256<int> x) => Avx2.MultiplyAddAdjacent(codes.AsInt16(), x.AsInt16());

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Add(Vector512<int> sum, Vector512<int> products) => sum + products;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Add(Vector256<int> sum, Vector256<int> products) => sum + products;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Join(Vector512<int> sum) => sum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<int> Join(Vector256<int> sum) => sum;
    }
}
