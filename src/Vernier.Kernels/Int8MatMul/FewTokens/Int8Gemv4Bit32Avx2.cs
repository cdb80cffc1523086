using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>One token, codes of 4 bits in groups of 32, bound by memory: row follows row.
/// Eight groups are transposed while they are still packed: the four bytes in lane i of a register then belong to group i, so that
/// the products of all eight are summed side by side in 16 bits (16 of at most 15 * 127 a sum) and are converted and scaled at once.</summary>
internal sealed unsafe class Int8Gemv4Bit32Avx2 : IInt8GemvBody, IGemvOfScales
{
    /// <summary>Columns that share a scale.</summary>
    public const int GroupSize = QuantizedActivations.GroupSize;

    private const int Lanes = 8;
    private const int BlockBytes = Lanes * GroupSize / 2;
    private const int BlockCodes = Lanes * GroupSize;
    private const int Line = 64;

    public InstructionTier Tier => InstructionTier.Vector256;

    public int RowsAtOnce => 4;

    public bool StreamsScales => true;

    public bool ReadsBehindScales => true;

    public int LayoutBytes(int groups) => groups * GroupSize;

    public void LayOut(in Int8GemvActivations x, sbyte* to) => Transpose(x.Codes, x.Groups, to);

    public void Multiply(in Int8GemvRows rows) => GemvScales.OfBlocks<Int8Gemv4Bit32Avx2>(rows);

    /// <summary>Transposes the activations as <see cref="Dots(byte*, sbyte*)"/> does the codes; groups behind the last whole eight stay as they are.</summary>
    /// <param name="x">[groups * 32], as is <paramref name="transposed"/>.</param>
    [MethodImpl(Kernel.Body)]
    public static void Transpose(sbyte* x, int groups, sbyte* transposed)
    {
        var end = x + groups * GroupSize;
        for (; end - x >= BlockCodes; x += BlockCodes, transposed += BlockCodes)
            TransposeEight(x, transposed);
        for (; x < end; x += GroupSize, transposed += GroupSize)
            Vector256.Load(x).Store(transposed);
    }

    /// <summary>Transposes the activations of eight groups as <see cref="Dots(byte*, sbyte*)"/> does the codes.</summary>
    /// <param name="x">[8 * 32], as is <paramref name="transposed"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TransposeEight(sbyte* x, sbyte* transposed)
    {
        for (var half = 0; half < 2; half++)
        {
            // Even groups are multiplied by the lower halves of the bytes, odd ones the upper.
            var from = (int*)(x + half * GroupSize);
            Transpose(Vector256.Load(from), Vector256.Load(from + 16), Vector256.Load(from + 32), Vector256.Load(from + 48), out var t0, out var t1, out var t2, out var t3);
            var to = (int*)(transposed + half * GroupSize);
            t0.Store(to);
            t1.Store(to + 16);
            t2.Store(to + 32);
            t3.Store(to + 48);
        }
    }

    /// <summary>The rest of a row from a group on: eights, and what is left over.</summary>
    /// <param name="at">The row's first scale.</param>
    /// <param name="codes">Of the group, as is <paramref name="x"/>.</param>
    /// <param name="sum">Of the groups before.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Row<TScales>(in Int8GemvRows rows, long at, int group, byte* codes, sbyte* x, Vector256<float> sum)
        where TScales : struct, IGemvScales
    {
        var hasOffsets = rows.Offset != rows.Scale;
        var terms = Vector256<float>.Zero;
        var (g, end) = (group, rows.XGroups & -Lanes);
        for (; g < end; g += Lanes, codes += BlockBytes, x += BlockCodes)
        {
            Int8GemvPrefetch.Codes(codes);
            Int8GemvPrefetch.Codes(codes + Line);
            var scale = TScales.Load(rows.Scale, at + g);
            terms = Fma.MultiplyAdd(hasOffsets ? TScales.Load(rows.Offset, at + g) : scale, Vector256.Load(rows.XSums + g), terms);
            var factors = Avx2.PermuteVar8x32(scale * Vector256.Load(rows.XScales + g), Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7));
            sum = Fma.MultiplyAdd(Avx.ConvertToVector256Single(Dots(codes, x)), factors, sum);
        }
        return end < rows.XGroups ? Rest<TScales>(rows, at, end, codes, x, sum + terms) : sum + terms;
    }

    /// <summary>Eight groups' sums of products, the even groups first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dots(byte* codes, sbyte* x)
    {
        var from = (int*)codes;
        Transpose(Vector256.Load(from), Vector256.Load(from + 8), Vector256.Load(from + 16), Vector256.Load(from + 24), out var t0, out var t1, out var t2, out var t3);
        var even = Pairs(Low(t0), x) + Pairs(Low(t1), x + 64) + (Pairs(Low(t2), x + 128) + Pairs(Low(t3), x + 192));
        var odd = Pairs(High(t0), x + 32) + Pairs(High(t1), x + 96) + (Pairs(High(t2), x + 160) + Pairs(High(t3), x + 224));
        return Avx2.MultiplyAddAdjacent(Avx2.Permute2x128(even, odd, 0x20) + Avx2.Permute2x128(even, odd, 0x31), Vector256.Create((short)1));
    }

    [MethodImpl(Kernel.Body)]
    public static void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        for (var row = 0; row < rows.Rows; row += 4)
            rows.Store(row, 0, HorizontalSums.Each(Row<TScales>(rows, row), Row<TScales>(rows, row + 1), Row<TScales>(rows, row + 2), Row<TScales>(rows, row + 3)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Row<TScales>(in Int8GemvRows rows, int row)
        where TScales : struct, IGemvScales
    {
        Int8GemvPrefetch.Scales<TScales>(rows, row, 1);
        return Row<TScales>(rows, (long)row * rows.Groups, 0, rows.Codes + row * rows.RowBytes, rows.X, Vector256<float>.Zero);
    }

    // At most seven groups, two a chunk, as they lie.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Rest<TScales>(in Int8GemvRows rows, long at, int group, byte* codes, sbyte* x, Vector256<float> sum)
        where TScales : struct, IGemvScales
    {
        var scale = TScales.Load(rows.Scale, at + group);
        var offset = rows.Offset != rows.Scale ? TScales.Load(rows.Offset, at + group) : scale;
        (scale * Vector256.Load(rows.XScales + group)).Store(rows.Factors);
        sum = Fma.MultiplyAdd(offset, Vector256.Load(rows.XSums + group), sum);
        for (var factor = rows.Factors; group < rows.XGroups; group += 2, codes += GroupSize, x += 2 * GroupSize, factor += 2)
        {
            Int8GemvPrefetch.Codes(codes);
            var v = Vector256.Load(codes).AsInt32();
            sum = Int8DotAvx2.Scaled(Low(v), Vector256.Load(x), factor, sum);
            sum = Int8DotAvx2.Scaled(High(v), Vector256.Load(x + GroupSize), factor + 1, sum);
        }
        return sum;
    }

    /// <summary>Lane i of t_k: dword k of the 128 bits that are lane i's half of v_(i mod 4).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(
        Vector256<int> v0, Vector256<int> v1, Vector256<int> v2, Vector256<int> v3, out Vector256<int> t0, out Vector256<int> t1, out Vector256<int> t2, out Vector256<int> t3)
    {
        var (low01, low23) = (Avx2.UnpackLow(v0, v1).AsInt64(), Avx2.UnpackLow(v2, v3).AsInt64());
        var (high01, high23) = (Avx2.UnpackHigh(v0, v1).AsInt64(), Avx2.UnpackHigh(v2, v3).AsInt64());
        (t0, t1) = (Avx2.UnpackLow(low01, low23).AsInt32(), Avx2.UnpackHigh(low01, low23).AsInt32());
        (t2, t3) = (Avx2.UnpackLow(high01, high23).AsInt32(), Avx2.UnpackHigh(high01, high23).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Low(Vector256<int> codes) => codes.AsByte() & Vector256.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> High(Vector256<int> codes) => (codes.AsUInt16() >> 4).AsByte() & Vector256.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pairs(Vector256<byte> codes, sbyte* x) => Avx2.MultiplyAddAdjacent(codes, Vector256.Load(x));
}
