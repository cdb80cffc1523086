using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Activations of one token for rows whose groups are taken sixteen at a time without a gap from row to row: blocks of sixteen groups, which are
/// the codes, transposed as <see cref="Int8Gemv4Bit32Avx512.Dots(byte*, sbyte*)"/> does those of the weight, and the scales and the sums in the order of its lanes.
/// A last eight groups are half a block, for <see cref="Int8Gemv4Bit32Avx2.Dots"/>.</summary>
internal static unsafe class Int8GemvTransposed
{
    /// <summary>Of sixteen groups.</summary>
    public const int BlockBytes = Wide * (Int8Gemv4Bit32Avx2.GroupSize + 2 * sizeof(float));

    private const int Wide = Int8Gemv4Bit32Avx512.Lanes;

    /// <summary>Group of a sixteen that lane i of the sums of products belongs to.</summary>
    public static ReadOnlySpan<int> WideOrder => [0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15];

    /// <summary>The same of an eight.</summary>
    public static ReadOnlySpan<int> Order => [0, 2, 4, 6, 1, 3, 5, 7];

    /// <summary>Rows of so many groups that are whole sixteens together.</summary>
    public static int RowsOfWholeBlocks(int groups) => Wide >> Math.Min(BitOperations.TrailingZeroCount(groups), BitOperations.TrailingZeroCount(Wide));

    /// <summary>Bytes of a token's activations for so many rows.</summary>
    public static int Bytes(int groups, int rows) => rows * groups * (BlockBytes / Wide);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(sbyte* block) => Vector512.Load((float*)(block + Wide * Int8Gemv4Bit32Avx2.GroupSize));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sums(sbyte* block) => Vector512.Load((float*)(block + Wide * Int8Gemv4Bit32Avx2.GroupSize) + Wide);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ScalesOfEight(sbyte* block) => Vector256.Load((float*)(block + Wide / 2 * Int8Gemv4Bit32Avx2.GroupSize));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SumsOfEight(sbyte* block) => Vector256.Load((float*)(block + Wide / 2 * Int8Gemv4Bit32Avx2.GroupSize) + Wide / 2);

    /// <summary>Lays out a token's activations, repeated for every row of a run.</summary>
    /// <param name="x">[groups * 32].</param>
    /// <param name="scales">[groups], as is <paramref name="sums"/>.</param>
    /// <param name="groups">Sixteen at least, and even.</param>
    /// <param name="rows">Of a run: whole sixteens together, or these and one eight.</param>
    /// <param name="to"><see cref="Bytes"/>, or as many blocks at a distance.</param>
    /// <param name="distance">From block to block: tokens that are multiplied together lie block by block.</param>
    [MethodImpl(Kernel.Body)]
    public static void LayOut(sbyte* x, float* scales, float* sums, int groups, int rows, sbyte* to, int distance = BlockBytes)
    {
        var repeated = stackalloc sbyte[Wide * Int8Gemv4Bit32Avx2.GroupSize];
        for (var (left, group) = (rows * groups, 0); left > 0;)
        {
            var order = left < Wide ? Order : WideOrder;
            var toScales = (float*)(to + order.Length * Int8Gemv4Bit32Avx2.GroupSize);
            var toSums = toScales + order.Length;
            for (var i = 0; i < order.Length; i++)
            {
                Vector256.Load(x + Wrapped(group + i) * Int8Gemv4Bit32Avx2.GroupSize).Store(repeated + i * Int8Gemv4Bit32Avx2.GroupSize);
                var from = Wrapped(group + order[i]);
                (toScales[i], toSums[i]) = (scales[from], sums[from]);
            }
            if (order.Length == Wide)
                Int8Gemv4Bit32Avx512.Transpose(repeated, to);
            else
                Int8Gemv4Bit32Avx2.TransposeEight(repeated, to);
            to += distance;
            left -= order.Length;
            group = Wrapped(group + order.Length);
        }

        int Wrapped(int group) => group < groups ? group : group - groups;
    }
}
