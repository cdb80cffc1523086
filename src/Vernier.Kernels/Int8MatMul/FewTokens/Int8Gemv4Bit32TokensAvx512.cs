using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Several tokens with codes of 4 bits in groups of 32, sixteen groups at once as <see cref="Int8Gemv4Bit32Avx512"/> takes them. Codes are transposed and
/// split once for up to eight tokens, whose activations stay in the first-level cache while they are multiplied by the rows that fit the second-level one.
/// Up to a few dozen tokens that is less work than to unpack the codes into panels.</summary>
internal sealed unsafe class Int8Gemv4Bit32TokensAvx512 : IInt8GemvBody, IGemvOfScales
{
    private const int Rows8 = 8;
    private const int MostAtOnce = 8;
    private const int Wide = Int8Gemv4Bit32Avx512.Lanes;
    private const int Lanes = Wide / 2;

    // Of activations that stay nearest.
    private const int NearBytes = 28 << 10;

    // Of codes that stay near while all tokens are multiplied by them.
    private const int BlockBytes = 128 << 10;

    public InstructionTier Tier => InstructionTier.Vector512;

    public int RowsAtOnce => Rows8;

    public bool StreamsScales => true;

    /// <summary>Whether four tokens' activations of rows of so many groups stay nearest.</summary>
    public static bool StayNear(int groups) => MostAtOnce / 2 * BytesOf(groups) <= NearBytes;

    public int LayoutBytes(int groups) => BytesOf(groups);

    /// <summary>Tokens that are multiplied together lie block by block.</summary>
    public void LayOut(in Int8GemvActivations x, sbyte* to)
    {
        var (rows, bytes) = (Int8GemvTransposed.RowsOfWholeBlocks(x.Groups), BytesOf(x.Groups));
        for (int token = 0, count; token < x.Tokens; token += count)
        {
            count = AtOnce(x.Tokens - token, bytes);
            for (var t = 0; t < count; t++)
            {
                var from = (long)x.Padded * (token + t);
                Int8GemvTransposed.LayOut(x.Codes + (long)x.Stride * (token + t), x.Scales + from, x.Sums + from, x.Groups, rows,
                    to + (long)token * bytes + t * Int8GemvTransposed.BlockBytes, count * Int8GemvTransposed.BlockBytes);
            }
        }
    }

    public void Multiply(in Int8GemvRows rows) => GemvScales.OfBlocks<Int8Gemv4Bit32TokensAvx512>(rows);

    public static void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
    {
        if (rows.Offset != rows.Scale)
            Rows<TScales, Offsets>(rows);
        else
            Rows<TScales, NoOffsets>(rows);
    }

    private static void Rows<TScales, TOffsets>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
        where TOffsets : struct
    {
        var atOnce = Math.Max(1, BlockBytes / ((int)rows.RowBytes * Rows8)) * Rows8;
        for (var row = 0; row < rows.Rows; row += atOnce)
        {
            var end = Math.Min(row + atOnce, rows.Rows);
            for (int token = 0, count; token < rows.Tokens; token += count)
            {
                count = AtOnce(rows.Tokens - token, (int)rows.XStride);
                switch (count)
                {
                    case 1:
                        Rows<TScales, TOffsets, TokenCounts.One>(rows, row, end, token);
                        break;
                    case 2:
                        Rows<TScales, TOffsets, TokenCounts.Two>(rows, row, end, token);
                        break;
                    case 3:
                        Rows<TScales, TOffsets, TokenCounts.Three>(rows, row, end, token);
                        break;
                    case 4:
                        Rows<TScales, TOffsets, TokenCounts.Four>(rows, row, end, token);
                        break;
                    default:
                        Rows<TScales, TOffsets, TokenCounts.Eight>(rows, row, end, token);
                        break;
                }
            }
        }
    }

    private static int BytesOf(int groups) => Int8GemvTransposed.Bytes(groups, Int8GemvTransposed.RowsOfWholeBlocks(groups));

    private static int AtOnce(int tokens, int bytes) => tokens >= MostAtOnce && MostAtOnce * bytes <= NearBytes ? MostAtOnce : Math.Min(tokens, MostAtOnce / 2);

    // How many tokens there are is a type, so that its tests are gone when this is compiled.
    [MethodImpl(Kernel.Body)]
    [SkipLocalsInit]
    private static void Rows<TScales, TOffsets, TCount>(in Int8GemvRows rows, int row, int end, int token)
        where TScales : struct, IGemvScales
        where TOffsets : struct
        where TCount : struct, ITokenCount
    {
        var sums = stackalloc float[TCount.Value * Rows8 * Lanes];
        var order = Vector512.Create(Int8GemvTransposed.WideOrder);
        var groups = rows.Groups;
        var run = Int8GemvTransposed.RowsOfWholeBlocks(groups);
        var codes = rows.Codes + row * rows.RowBytes;
        var at = (long)row * groups;
        for (; row < end; row += Rows8)
        {
            Int8GemvPrefetch.Scales<TScales>(rows, row, Rows8);
            var to = sums;
            for (var r = 0; r < Rows8; r += run)
            {
                var x = rows.X + token * rows.XStride;
                var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
                var (s4, s5, s6, s7) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
                var left = groups; // of the row
                for (var g = run * groups; g > 0; g -= Wide, at += Wide, codes += Wide * Int8Gemv4Bit32Avx2.GroupSize / 2, x += TCount.Value * Int8GemvTransposed.BlockBytes)
                {
                    Int8GemvPrefetch.CodesOnce(codes);
                    Int8GemvPrefetch.CodesOnce(codes + 64);
                    Int8GemvPrefetch.CodesOnce(codes + 128);
                    Int8GemvPrefetch.CodesOnce(codes + 192);
                    var scale = Avx512F.PermuteVar16x32(TScales.LoadWide(rows.Scale, at), order);
                    var offset = typeof(TOffsets) == typeof(Offsets) ? Avx512F.PermuteVar16x32(TScales.LoadWide(rows.Offset, at), order) : scale;
                    Int8Gemv4Bit32Avx512.Transposed(codes, out var t0, out var t1, out var t2, out var t3);
                    var isEnd = left <= Wide; // of the row: the other lanes are the next one's
                    var ends = isEnd ? Vector512.LessThan(order, Vector512.Create(left)).AsSingle() : default;
                    s0 = Add<TOffsets>(0, s0, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 1)
                        s1 = Add<TOffsets>(1, s1, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 2)
                        s2 = Add<TOffsets>(2, s2, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 3)
                        s3 = Add<TOffsets>(3, s3, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 4)
                        s4 = Add<TOffsets>(4, s4, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 5)
                        s5 = Add<TOffsets>(5, s5, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 6)
                        s6 = Add<TOffsets>(6, s6, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    if (TCount.Value > 7)
                        s7 = Add<TOffsets>(7, s7, t0, t1, t2, t3, x, scale, offset, isEnd, ends, to);
                    left -= Wide;
                    if (!isEnd)
                        continue;
                    to += Lanes;
                    left += groups;
                }
            }
            for (var t = 0; t < TCount.Value; t++)
                for (var r = 0; r < Rows8; r += 4)
                {
                    var from = sums + (t * Rows8 + r) * Lanes;
                    rows.Store(row + r, token + t, HorizontalSums.Each(Vector256.Load(from), Vector256.Load(from + Lanes), Vector256.Load(from + 2 * Lanes), Vector256.Load(from + 3 * Lanes)));
                }
        }
    }

    // One token's part of sixteen groups. Where a row ends its sum is stored, and what belongs to the next row returned.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TOffsets>(
        int token, Vector512<float> sum, Vector512<int> t0, Vector512<int> t1, Vector512<int> t2, Vector512<int> t3,
        sbyte* x, Vector512<float> scale, Vector512<float> offset, bool isEnd, Vector512<float> ends, float* to)
        where TOffsets : struct
    {
        x += token * Int8GemvTransposed.BlockBytes;
        to += token * Rows8 * Lanes;
        var (d, sums) = (Avx512F.ConvertToVector512Single(Int8Gemv4Bit32Avx512.Dots(t0, t1, t2, t3, x)), Int8GemvTransposed.Sums(x));
        d = typeof(TOffsets) == typeof(Offsets) ? d * Int8GemvTransposed.Scales(x) : Avx512F.FusedMultiplyAdd(d, Int8GemvTransposed.Scales(x), sums);
        if (!isEnd)
            return Terms<TOffsets>(sum, d, sums, scale, offset);
        sum = Terms<TOffsets>(sum, d, sums, scale & ends, offset & ends);
        (sum.GetLower() + sum.GetUpper()).Store(to);
        return Terms<TOffsets>(Vector512<float>.Zero, d, sums, Vector512.AndNot(scale, ends), Vector512.AndNot(offset, ends));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Terms<TOffsets>(Vector512<float> sum, Vector512<float> dots, Vector512<float> sums, Vector512<float> scale, Vector512<float> offset)
        where TOffsets : struct
    {
        sum = Avx512F.FusedMultiplyAdd(dots, scale, sum);
        return typeof(TOffsets) == typeof(Offsets) ? Avx512F.FusedMultiplyAdd(offset, sums, sum) : sum;
    }

    private readonly struct Offsets;

    private readonly struct NoOffsets;
}
