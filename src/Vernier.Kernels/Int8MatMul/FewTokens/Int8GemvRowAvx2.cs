using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>One token with codes and groups of any size, bound by memory: row follows row, so that codes, scales and
/// offsets are each one sequential stream that is prefetched well ahead.</summary>
internal sealed unsafe class Int8GemvRowAvx2 : IInt8GemvBody
{
    private const int Lanes = 8;

    public InstructionTier Tier => InstructionTier.Vector256;

    public int RowsAtOnce => 4;

    public bool StreamsScales => true;

    public bool ReadsBehindScales => true;

    public void Multiply(in Int8GemvRows rows)
    {
        if (rows.Ratio > 1)
            Rows<WideGroups, WholeGroups>(rows);
        else if (rows.HasHalfGroups)
            GemvScales.OfHalfBlocks<Halves>(rows);
        else
            GemvScales.OfBlocks<Blocks>(rows);
    }

    private static void Rows<TFactors, TGroups>(in Int8GemvRows rows)
        where TFactors : struct, IFactors
        where TGroups : struct, IGroupFactors
    {
        if (rows.Codebook is not null)
        {
            Rows<TFactors, TGroups, Codebook>(rows);
            return;
        }
        switch (rows.Bits)
        {
            case 2:
                Rows<TFactors, TGroups, Planes<CodePlanes.Two>>(rows);
                break;
            case 3:
                Rows<TFactors, TGroups, Planes<CodePlanes.Three>>(rows);
                break;
            case 4:
                Rows<TFactors, TGroups, FourBits>(rows);
                break;
            case 5:
                Rows<TFactors, TGroups, Planes<CodePlanes.Five>>(rows);
                break;
            case 6:
                Rows<TFactors, TGroups, Planes<CodePlanes.Six>>(rows);
                break;
            case 7:
                Rows<TFactors, TGroups, Planes<CodePlanes.Seven>>(rows);
                break;
            default:
                Rows<TFactors, TGroups, EightBits>(rows);
                break;
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void Rows<TFactors, TGroups, TCodes>(in Int8GemvRows rows)
        where TFactors : struct, IFactors
        where TGroups : struct, IGroupFactors
        where TCodes : struct, ICodes
    {
        var sums = stackalloc float[4 * Lanes];
        for (var row = 0; row < rows.Rows; row += 4)
        {
            for (var i = 0; i < 4; i++) // written out four times, the body would be more than the JIT compiles well
                Row<TFactors, TGroups, TCodes>(rows, row + i).Store(sums + i * Lanes);
            rows.Store(
                row, 0, HorizontalSums.Each(Vector256.Load(sums), Vector256.Load(sums + Lanes), Vector256.Load(sums + 2 * Lanes), Vector256.Load(sums + 3 * Lanes)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Row<TFactors, TGroups, TCodes>(in Int8GemvRows rows, int row)
        where TFactors : struct, IFactors
        where TGroups : struct, IGroupFactors
        where TCodes : struct, ICodes =>
        TCodes.Dot<TGroups>(rows.Codes + row * rows.RowBytes, rows, TFactors.Prepare(rows, row));

    private readonly struct Blocks : IGemvOfScales
    {
        public static void Rows<TScales>(in Int8GemvRows rows)
            where TScales : struct, IGemvScales => Int8GemvRowAvx2.Rows<SmallGroups<TScales>, WholeGroups>(rows);
    }

    private readonly struct Halves : IGemvOfScales
    {
        public static void Rows<TScales>(in Int8GemvRows rows)
            where TScales : struct, IGemvScales => Int8GemvRowAvx2.Rows<SmallGroups<TScales>, HalfGroups>(rows);
    }

    private interface IFactors
    {
        /// <summary>Writes a row's scales times the activations' to the scratch. Returns the terms of Σ (offset + middle * scale) * sum.</summary>
        static abstract Vector256<float> Prepare(in Int8GemvRows rows, int row);
    }

    /// <summary>Groups of 32 or 16, in whole vectors: what lies behind a row's groups is multiplied by zeros.</summary>
    private readonly struct SmallGroups<TScales> : IFactors
        where TScales : struct, IGemvScales
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Prepare(in Int8GemvRows rows, int row)
        {
            Int8GemvPrefetch.Scales<TScales>(rows, row, 1);
            var at = (long)row * rows.Groups;
            var x = rows.XScales;
            var sums = rows.XSums;
            var factors = rows.Factors;
            var (end, terms) = (rows.Padded, Vector256<float>.Zero);
            if (rows.Offset != rows.Scale)
                for (var g = 0; g < end; g += Lanes)
                    terms = Int8GemvBlockScales.Terms(
                        TScales.Load(rows.Scale, at + g), TScales.Load(rows.Offset, at + g), rows.Middle, Vector256.Load(x + g), Vector256.Load(sums + g), factors + g, terms);
            else
                for (var g = 0; g < end; g += Lanes)
                {
                    var scale = TScales.Load(rows.Scale, at + g);
                    (scale * Vector256.Load(x + g)).Store(factors + g);
                    terms = Fma.MultiplyAdd(scale, Vector256.Load(sums + g), terms);
                }
            return terms;
        }
    }

    /// <summary>Groups of several times 32, or whole rows.</summary>
    private readonly struct WideGroups : IFactors
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Prepare(in Int8GemvRows rows, int row)
        {
            Int8GemvPrefetch.Scales<FloatScales>(rows, row, 1);
            var scale = (float*)rows.Scale + (long)row * rows.Groups;
            var offset = (float*)rows.Offset + (long)row * rows.Groups;
            var (i, total) = (0, 0f);
            for (var g = 0; g < rows.Groups; g++)
            {
                // Whole vectors reach into the next group, which is written next; the last group takes the padding with it.
                var s = Vector256.Create(scale[g]);
                var end = g == rows.Groups - 1 ? rows.XGroups : i + rows.Ratio;
                for (var from = i; from < end; from += Lanes)
                    (s * Vector256.Load(rows.XScales + from)).Store(rows.Factors + from);
                i = end;
                total += (offset[g] + rows.Middle * scale[g]) * rows.XSums[g];
            }
            return Vector256.CreateScalar(total);
        }
    }

    private interface ICodes
    {
        /// <summary>Products of a row, group by group times their factors, on top of <paramref name="sum"/>. Prefetches what comes later bit by bit:
        /// a burst of requests would fill the queue and stall.</summary>
        static abstract Vector256<float> Dot<TGroups>(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
            where TGroups : struct, IGroupFactors;
    }

    private readonly struct FourBits : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot<TGroups>(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
            where TGroups : struct, IGroupFactors
        {
            var (mask, other) = (Vector256.Create((byte)15), Vector256<float>.Zero);
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += 32, x += 64, factors += 2 * TGroups.Count)
            {
                Int8GemvPrefetch.Codes(codes);
                var v = Vector256.Load(codes);
                sum = Int8DotAvx2.Scaled<TGroups>(v & mask, Vector256.Load(x), factors, sum);
                other = Int8DotAvx2.Scaled<TGroups>((v.AsUInt16() >> 4).AsByte() & mask, Vector256.Load(x + 32), factors + TGroups.Count, other);
            }
            return sum + other;
        }
    }

    private readonly struct Codebook : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot<TGroups>(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
            where TGroups : struct, IGroupFactors
        {
            var (mask, other) = (Vector256.Create((byte)15), Vector256<float>.Zero);
            var book = Vector256.Create(rows.Codebook!.Values, rows.Codebook.Values);
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += 32, x += 64, factors += 2 * TGroups.Count)
            {
                Int8GemvPrefetch.Codes(codes);
                var v = Vector256.Load(codes);
                sum = Int8DotAvx2.ScaledSigned<TGroups>(Avx2.Shuffle(book, (v & mask).AsSByte()), Vector256.Load(x), factors, sum);
                other = Int8DotAvx2.ScaledSigned<TGroups>(Avx2.Shuffle(book, ((v.AsUInt16() >> 4).AsByte() & mask).AsSByte()), Vector256.Load(x + 32), factors + TGroups.Count, other);
            }
            return sum + other;
        }
    }

    private readonly struct EightBits : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot<TGroups>(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
            where TGroups : struct, IGroupFactors
        {
            var other = Vector256<float>.Zero;
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += 64, x += 64, factors += 2 * TGroups.Count)
            {
                Int8GemvPrefetch.Codes(codes);
                sum = Int8DotAvx2.ScaledFromMiddle<TGroups>(Vector256.Load(codes), Vector256.Load(x), factors, sum);
                other = Int8DotAvx2.ScaledFromMiddle<TGroups>(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors + TGroups.Count, other);
            }
            return sum + other;
        }
    }

    private readonly struct Planes<TBits> : ICodes
        where TBits : struct, CodePlanes.IBits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot<TGroups>(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
            where TGroups : struct, IGroupFactors
        {
            var other = Vector256<float>.Zero;
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += CodePlanes.ChunkBytes(TBits.Value), x += 64, factors += 2 * TGroups.Count)
            {
                Int8GemvPrefetch.Codes(codes);
                CodePlanes.UnpackWide<TBits>(codes, out var first, out var second);
                sum = Int8DotAvx2.Scaled<TGroups>(first, Vector256.Load(x), factors, sum);
                other = Int8DotAvx2.Scaled<TGroups>(second, Vector256.Load(x + 32), factors + TGroups.Count, other);
            }
            return sum + other;
        }
    }
}
