using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>One token, codes of 4 bits in groups of 32: sixteen groups at once with AVX-512 BW, what is left over of a row as <see cref="Int8Gemv4Bit32Avx2"/> does.
/// A machine that splits these vectors in two halves still has half as many instructions to keep in flight while it waits for memory.</summary>
internal sealed unsafe class Int8Gemv4Bit32Avx512 : IInt8GemvBody, IGemvOfScales
{
    public const int Lanes = 16;
    private const int GroupSize = QuantizedActivations.GroupSize;
    private const int Pair = 2 * GroupSize;
    private const int BlockBytes = Lanes / 2 * GroupSize;
    private const int BlockCodes = Lanes * GroupSize;

    public InstructionTier Tier => InstructionTier.Vector512;

    public int RowsAtOnce => 4;

    public bool StreamsScales => true;

    public bool ReadsBehindScales => true;

    public int LayoutBytes(int groups) => groups * GroupSize;

    public void LayOut(in Int8GemvActivations x, sbyte* to)
    {
        var sixteens = x.Groups / Lanes;
        for (var i = 0; i < sixteens; i++)
            Transpose(x.Codes + i * BlockCodes, to + i * BlockCodes);
        Int8Gemv4Bit32Avx2.Transpose(x.Codes + sixteens * BlockCodes, x.Groups % Lanes, to + sixteens * BlockCodes);
    }

    public void Multiply(in Int8GemvRows rows) => GemvScales.OfBlocks<Int8Gemv4Bit32Avx512>(rows);

    /// <summary>Transposes the activations of sixteen groups as <see cref="Dots(byte*, sbyte*)"/> does the codes.</summary>
    /// <param name="x">[16 * 32], as is <paramref name="transposed"/>.</param>
    [MethodImpl(Kernel.Body)]
    public static void Transpose(sbyte* x, sbyte* transposed)
    {
        for (var half = 0; half < 2; half++)
        {
            // Even groups are multiplied by the lower halves of the bytes, odd ones the upper.
            var from = (int*)(x + half * GroupSize);
            Transpose(Neighbours(from), Neighbours(from + 32), Neighbours(from + 64), Neighbours(from + 96), out var t0, out var t1, out var t2, out var t3);
            var to = (int*)(transposed + half * Pair);
            t0.Store(to);
            t1.Store(to + 32);
            t2.Store(to + 64);
            t3.Store(to + 96);
        }

        static Vector512<int> Neighbours(int* group) => Vector512.Create(Vector256.Load(group), Vector256.Load(group + 16));
    }

    /// <summary>Sixteen groups' sums of products, in the order of their numbers modulo 4 (0, 2, 1, 3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dots(byte* codes, sbyte* x)
    {
        Transposed(codes, out var t0, out var t1, out var t2, out var t3);
        return Dots(t0, t1, t2, t3, x);
    }

    /// <summary>The same from codes of <see cref="Transposed"/>, which several tokens share.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dots(Vector512<int> t0, Vector512<int> t1, Vector512<int> t2, Vector512<int> t3, sbyte* x)
    {
        var even = Pairs(Low(t0), x) + Pairs(Low(t1), x + 128) + (Pairs(Low(t2), x + 256) + Pairs(Low(t3), x + 384));
        var odd = Pairs(High(t0), x + 64) + Pairs(High(t1), x + 192) + (Pairs(High(t2), x + 320) + Pairs(High(t3), x + 448));
        var (e, o) = (even.AsInt32(), odd.AsInt32());
        var sums = Avx512F.Shuffle4x128(e, o, 0x88).AsInt16() + Avx512F.Shuffle4x128(e, o, 0xdd).AsInt16();
        return Avx512BW.MultiplyAddAdjacent(sums, Vector512.Create((short)1));
    }

    /// <summary>Codes of sixteen groups transposed, packed still.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Transposed(byte* codes, out Vector512<int> t0, out Vector512<int> t1, out Vector512<int> t2, out Vector512<int> t3)
    {
        var from = (int*)codes;
        Transpose(Vector512.Load(from), Vector512.Load(from + 16), Vector512.Load(from + 32), Vector512.Load(from + 48), out t0, out t1, out t2, out t3);
    }

    /// <summary>Dword i of 128-bit lane j of t_k: dword k of lane j of v_i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
        Vector512<int> v0, Vector512<int> v1, Vector512<int> v2, Vector512<int> v3, out Vector512<int> t0, out Vector512<int> t1, out Vector512<int> t2, out Vector512<int> t3)
    {
        var (low01, low23) = (Avx512F.UnpackLow(v0, v1).AsInt64(), Avx512F.UnpackLow(v2, v3).AsInt64());
        var (high01, high23) = (Avx512F.UnpackHigh(v0, v1).AsInt64(), Avx512F.UnpackHigh(v2, v3).AsInt64());
        (t0, t1) = (Avx512F.UnpackLow(low01, low23).AsInt32(), Avx512F.UnpackHigh(low01, low23).AsInt32());
        (t2, t3) = (Avx512F.UnpackLow(high01, high23).AsInt32(), Avx512F.UnpackHigh(high01, high23).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Low(Vector512<int> codes) => codes.AsByte() & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> High(Vector512<int> codes) => (codes.AsUInt16() >> 4).AsByte() & Vector512.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pairs(Vector512<byte> codes, sbyte* x) => Avx512BW.MultiplyAddAdjacent(codes, Vector512.Load(x));

    [MethodImpl(Kernel.Body)]
    public static void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        const int lanes = Lanes / 2;
        var sums = stackalloc float[4 * lanes];
        for (var row = 0; row < rows.Rows; row += 4)
        {
            for (var i = 0; i < 4; i++) // written out four times, the body would be more than the JIT compiles well
                Row<TScales>(rows, row + i).Store(sums + i * lanes);
            rows.Store(row, 0, HorizontalSums.Each(Vector256.Load(sums), Vector256.Load(sums + lanes), Vector256.Load(sums + 2 * lanes), Vector256.Load(sums + 3 * lanes)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Row<TScales>(in Int8GemvRows rows, int row)
        where TScales : struct, IGemvScales
    {
        Int8GemvPrefetch.Scales<TScales>(rows, row, 1);
        var codes = rows.Codes + row * rows.RowBytes;
        var (at, groups) = ((long)row * rows.Groups, rows.XGroups & -Lanes);
        var sum = Sixteens<TScales>(rows, at, groups, codes, rows.X);
        return Int8Gemv4Bit32Avx2.Row<TScales>(rows, at, groups, codes + groups * (GroupSize / 2), rows.X + groups * GroupSize, sum);
    }

    /// <summary>The first groups of a row, a multiple of sixteen, with their terms of Σ offset * sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Sixteens<TScales>(in Int8GemvRows rows, long at, int groups, byte* codes, sbyte* x)
        where TScales : struct, IGemvScales
    {
        var hasOffsets = rows.Offset != rows.Scale;
        var (sum, terms) = (Vector512<float>.Zero, Vector512<float>.Zero);
        for (var g = 0; g < groups; g += Lanes, codes += BlockBytes, x += BlockCodes)
        {
            Int8GemvPrefetch.Codes(codes);
            Int8GemvPrefetch.Codes(codes + 64);
            Int8GemvPrefetch.Codes(codes + 128);
            Int8GemvPrefetch.Codes(codes + 192);
            var scale = TScales.LoadWide(rows.Scale, at + g);
            terms = Avx512F.FusedMultiplyAdd(hasOffsets ? TScales.LoadWide(rows.Offset, at + g) : scale, Vector512.Load(rows.XSums + g), terms);
            var factors = Avx512F.PermuteVar16x32(scale * Vector512.Load(rows.XScales + g), Vector512.Create(0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15));
            sum = Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(Dots(codes, x)), factors, sum);
        }
        sum += terms;
        return sum.GetLower() + sum.GetUpper();
    }
}
