using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Sixteen groups at once, as <see cref="Int8Gemv4Bit32Avx512"/> takes them, for rows whose groups are no multiple of sixteen: codes, scales
/// and offsets of four rows follow one another without a gap, so that together their groups are whole sixteens, or these and one eight, and begin
/// on a line of the cache. Sixteen groups that lie across two rows are multiplied once and the lanes split.</summary>
internal sealed unsafe class Int8Gemv4Bit32RunAvx512 : IInt8GemvBody, IGemvOfScales
{
    // In a run.
    private const int Run = 4;
    private const int Wide = Int8Gemv4Bit32Avx512.Lanes;
    private const int Lanes = Wide / 2;

    public InstructionTier Tier => InstructionTier.Vector512;

    public int RowsAtOnce => Run;

    public bool StreamsScales => true;

    public int LayoutBytes(int groups) => Int8GemvTransposed.Bytes(groups, Run);

    public void LayOut(in Int8GemvActivations x, sbyte* to) => Int8GemvTransposed.LayOut(x.Codes, x.Scales, x.Sums, x.Groups, Run, to);

    public void Multiply(in Int8GemvRows rows) => GemvScales.OfBlocks<Int8Gemv4Bit32RunAvx512>(rows);

    [MethodImpl(Kernel.Body)]
    public static void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        var (order, half) = (Vector512.Create(Int8GemvTransposed.WideOrder), Vector256.Create(Int8GemvTransposed.Order));
        var hasOffsets = rows.Offset != rows.Scale;
        var (groups, total) = (rows.Groups, Run * rows.Groups);
        var codes = rows.Codes;
        for (var row = 0; row < rows.Rows; row += Run)
        {
            Int8GemvPrefetch.Scales<TScales>(rows, row, Run);
            var at = (long)row * groups;
            var x = rows.X;
            var sum = Vector512<float>.Zero;
            var to = rows.Factors;
            var (left, g) = (groups, total); // of the row, of the run
            for (; g >= Wide; g -= Wide, at += Wide)
            {
                Int8GemvPrefetch.Codes(codes);
                Int8GemvPrefetch.Codes(codes + 64);
                Int8GemvPrefetch.Codes(codes + 128);
                Int8GemvPrefetch.Codes(codes + 192);
                var scale = Avx512F.PermuteVar16x32(TScales.LoadWide(rows.Scale, at), order);
                var dots = Avx512F.ConvertToVector512Single(Int8Gemv4Bit32Avx512.Dots(codes, x)) * Int8GemvTransposed.Scales(x);
                var terms = Int8GemvTransposed.Sums(x);
                terms = hasOffsets
                    ? Avx512F.FusedMultiplyAdd(dots, scale, Avx512F.PermuteVar16x32(TScales.LoadWide(rows.Offset, at), order) * terms)
                    : (dots + terms) * scale;
                codes += Wide * Int8Gemv4Bit32Avx2.GroupSize / 2;
                x += Int8GemvTransposed.BlockBytes;
                if (left > Wide)
                {
                    sum += terms;
                    left -= Wide;
                    continue;
                }
                // The row ends here: the other lanes are the next one's.
                var ends = Vector512.LessThan(order, Vector512.Create(left)).AsSingle();
                sum += terms & ends;
                (sum.GetLower() + sum.GetUpper()).Store(to);
                to += Lanes;
                sum = Vector512.AndNot(terms, ends);
                left += groups - Wide;
            }
            if (g > 0)
            {
                Int8GemvPrefetch.Codes(codes);
                Int8GemvPrefetch.Codes(codes + 64);
                var scale = Avx2.PermuteVar8x32(TScales.Load(rows.Scale, at), half);
                var dots = Avx.ConvertToVector256Single(Int8Gemv4Bit32Avx2.Dots(codes, x)) * Int8GemvTransposed.ScalesOfEight(x);
                var terms = Int8GemvTransposed.SumsOfEight(x);
                terms = hasOffsets
                    ? Fma.MultiplyAdd(dots, scale, Avx2.PermuteVar8x32(TScales.Load(rows.Offset, at), half) * terms)
                    : (dots + terms) * scale;
                (sum.GetLower() + sum.GetUpper() + terms).Store(to);
                codes += Lanes * Int8Gemv4Bit32Avx2.GroupSize / 2;
            }
            to = rows.Factors;
            rows.Store(row, 0, HorizontalSums.Each(Vector256.Load(to), Vector256.Load(to + Lanes), Vector256.Load(to + 2 * Lanes), Vector256.Load(to + 3 * Lanes)));
        }
    }
}
