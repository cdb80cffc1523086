using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The innermost loop of <see cref="Int8GemvDriver"/> for one token, codes of 4 bits and groups of 32, bound by memory: row follows row.
/// Eight groups are turned on their side while they are still packed: the four bytes in lane i of a register then belong to group i, so that
/// the products of all eight are summed side by side in 16 bits (16 of at most 15 * 127 a sum) and become floats and meet their scales at once.
/// Where vectors of 512 bits are in use and rows are long, sixteen go that way first, by <see cref="Int8Gemv4Bit32Avx512"/>;
/// rows that are no whole sixteens go there four together, by <see cref="Int8Gemv4Bit32RunAvx512"/>.</summary>
internal static unsafe class Int8Gemv4Bit32Avx2
{
    /// <summary>Columns that share a scale.</summary>
    public const int GroupSize = QuantizedActivations.GroupSize;

    private const int Lanes = 8;
    private const int BlockBytes = Lanes * GroupSize / 2;
    private const int BlockCodes = Lanes * GroupSize;
    private const int Line = 64;

    // Shorter rows lose more by what is left over, and by vectors that lie across two lines, than they gain.
    private const int LeastForSixteens = 32;

    /// <summary>Whether products with this weight go this way, where the machine has the vectors.</summary>
    public static bool Serves(PackedMatrix weight) => weight.Bits == 4 && weight.HasBlockGroups;

    /// <summary>Turns the activations as <see cref="Rows{TScales}(InstructionTier, in Int8GemvRows)"/> turns the codes; groups behind the last whole eight stay as they are.</summary>
    /// <param name="x">[groups * 32], as is <paramref name="turned"/>.</param>
    [MethodImpl(Kernel.Body)]
    public static void Turn(InstructionTier tier, sbyte* x, int groups, sbyte* turned)
    {
        var end = x + groups * GroupSize;
        if (InSixteens(tier, groups))
            for (; end - x >= 2 * BlockCodes; x += 2 * BlockCodes, turned += 2 * BlockCodes)
                Int8Gemv4Bit32Avx512.Turn(x, turned);
        for (; end - x >= BlockCodes; x += BlockCodes, turned += BlockCodes)
            TurnEight(x, turned);
        for (; x < end; x += GroupSize, turned += GroupSize)
            Vector256.Load(x).Store(turned);
    }

    /// <summary>Turns the activations of eight groups as <see cref="Dots(byte*, sbyte*)"/> turns the codes.</summary>
    /// <param name="x">[8 * 32], as is <paramref name="turned"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TurnEight(sbyte* x, sbyte* turned)
    {
        for (var half = 0; half < 2; half++)
        {
            // Even groups meet the lower halves of the bytes, odd ones the upper.
            var from = (int*)(x + half * GroupSize);
            Turn(Vector256.Load(from), Vector256.Load(from + 16), Vector256.Load(from + 32), Vector256.Load(from + 48), out var t0, out var t1, out var t2, out var t3);
            var to = (int*)(turned + half * GroupSize);
            t0.Store(to);
            t1.Store(to + 16);
            t2.Store(to + 32);
            t3.Store(to + 48);
        }
    }

    /// <summary>Rows, a multiple of four, whose <see cref="Int8GemvRows.X"/> went through <see cref="Turn(InstructionTier, sbyte*, int, sbyte*)"/>,
    /// or through <see cref="Int8GemvTransposed"/> where that serves.</summary>
    public static void Rows<TScales>(InstructionTier tier, in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        if (Int8Gemv4Bit32RunAvx512.Serves(tier, rows.Groups))
            Int8Gemv4Bit32RunAvx512.Rows<TScales>(rows);
        else if (InSixteens(tier, rows.XGroups))
            Rows<TScales, Sixteen>(rows);
        else
            Rows<TScales, Eight>(rows);
    }

    private static bool InSixteens(InstructionTier tier, int groups) => tier == InstructionTier.Vector512 && groups >= LeastForSixteens;

    // How many groups go at once is a type, so that its tests are gone when this is compiled.
    [MethodImpl(Kernel.Body)]
    private static void Rows<TScales, TBlock>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
        where TBlock : struct
    {
        for (var row = 0; row < rows.Rows; row += 4)
        {
            var s0 = Row<TScales, TBlock>(rows, row);
            var s1 = Row<TScales, TBlock>(rows, row + 1);
            var s2 = Row<TScales, TBlock>(rows, row + 2);
            var s3 = Row<TScales, TBlock>(rows, row + 3);
            Int8GemvDots.Store(rows, row, 0, HorizontalSums.Each(s0, s1, s2, s3));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Row<TScales, TBlock>(in Int8GemvRows rows, int row)
        where TScales : struct, IGemvScales
        where TBlock : struct
    {
        var at = (long)row * rows.Groups;
        var hasOffsets = rows.Offset != rows.Scale;
        Int8GemvPrefetch.Scales<TScales>(rows, row, 1);
        var (sum, terms) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var codes = rows.Codes + row * rows.RowBytes;
        var x = rows.X;
        var (g, end) = (0, rows.XGroups & -Lanes);
        if (typeof(TBlock) == typeof(Sixteen))
        {
            g = rows.XGroups & -Int8Gemv4Bit32Avx512.Lanes;
            sum = Int8Gemv4Bit32Avx512.Groups<TScales>(rows, at, g, codes, x);
            codes += g * (GroupSize / 2);
            x += g * GroupSize;
        }
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
        Turn(Vector256.Load(from), Vector256.Load(from + 8), Vector256.Load(from + 16), Vector256.Load(from + 24), out var t0, out var t1, out var t2, out var t3);
        if (AvxVnni.IsSupported)
        {
            var even4 = AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, Low(t0), Vector256.Load(x));
            var odd4 = AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, High(t0), Vector256.Load(x + 32));
            even4 = AvxVnni.MultiplyWideningAndAdd(even4, Low(t1), Vector256.Load(x + 64));
            odd4 = AvxVnni.MultiplyWideningAndAdd(odd4, High(t1), Vector256.Load(x + 96));
            even4 = AvxVnni.MultiplyWideningAndAdd(even4, Low(t2), Vector256.Load(x + 128));
            odd4 = AvxVnni.MultiplyWideningAndAdd(odd4, High(t2), Vector256.Load(x + 160));
            even4 = AvxVnni.MultiplyWideningAndAdd(even4, Low(t3), Vector256.Load(x + 192));
            odd4 = AvxVnni.MultiplyWideningAndAdd(odd4, High(t3), Vector256.Load(x + 224));
            return Avx2.Permute2x128(even4, odd4, 0x20) + Avx2.Permute2x128(even4, odd4, 0x31);
        }
        var even = Pairs(Low(t0), x) + Pairs(Low(t1), x + 64) + (Pairs(Low(t2), x + 128) + Pairs(Low(t3), x + 192));
        var odd = Pairs(High(t0), x + 32) + Pairs(High(t1), x + 96) + (Pairs(High(t2), x + 160) + Pairs(High(t3), x + 224));
        return Avx2.MultiplyAddAdjacent(Avx2.Permute2x128(even, odd, 0x20) + Avx2.Permute2x128(even, odd, 0x31), Vector256.Create((short)1));
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
            sum = Int8GemvDots.Scaled(Low(v), Vector256.Load(x), factor, sum);
            sum = Int8GemvDots.Scaled(High(v), Vector256.Load(x + GroupSize), factor + 1, sum);
        }
        return sum;
    }

    /// <summary>Lane i of t_k: dword k of the 128 bits that are lane i's half of v_(i mod 4).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(
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

    private readonly struct Eight;

    private readonly struct Sixteen;
}
