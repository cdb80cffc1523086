using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Y = X Ŵᵀ for the few tokens of decoding: no packing; a few rows of the weight are dequantized into the first-level
/// cache and meet every token there, so that the weight is read once, in order.</summary>
internal static unsafe class GemvDriver
{
    /// <summary>Up to here this beats <see cref="GemmDriver"/>, whose smallest tile is 12 tokens.</summary>
    public const int MaxTokens = 8;

    private const int RowsAtOnce = 4;
    private const int MaxDepth = 1024;

    /// <summary>y [tokens, out] = x [tokens, in] Ŵᵀ, or y +=. Workers split the rows of the weight.</summary>
    public static void Forward(InstructionTier tier, WorkerPool pool, float* x, int tokens, WeightMatrix weight, float* y, bool accumulate)
    {
        var job = new Job { Tier = tier, X = x, Tokens = tokens, Weight = weight, Y = y, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job : IParallelJob
    {
        public InstructionTier Tier;
        public float* X;
        public int Tokens;
        public WeightMatrix Weight;
        public float* Y;
        public bool Accumulate;

        [SkipLocalsInit]
        public readonly void Execute(int worker, int workers)
        {
            var (rows, columns) = (Weight.Rows, Weight.Columns);
            var (start, end) = WorkSplit.Share((rows - 1) / RowsAtOnce + 1, worker, workers);
            var (top, bottom) = (start * RowsAtOnce, Math.Min(end * RowsAtOnce, rows));
            var tile = stackalloc float[RowsAtOnce * MaxDepth];
            var dense = Weight.DensePointer;
            for (var row = top; row < bottom; row += RowsAtOnce)
            {
                var count = Math.Min(RowsAtOnce, bottom - row);
                for (var column = 0; column < columns; column += MaxDepth)
                {
                    var depth = Math.Min(MaxDepth, columns - column);
                    if (dense is null)
                        Weight.ReadTile(row, count, column, depth, new Span<float>(tile, count * depth), depth);
                    var w = dense is null ? tile : dense + (long)row * columns + column;
                    var stride = dense is null ? depth : columns;
                    for (var t = 0; t < Tokens; t++)
                        Dots(w, stride, count, X + (long)t * columns + column, depth, Y + (long)t * rows + row, Accumulate || column > 0);
                }
            }
        }

        private readonly void Dots(float* w, int stride, int count, float* x, int depth, float* y, bool accumulate)
        {
            if (count < RowsAtOnce)
            {
                for (var r = 0; r < count; r++)
                    y[r] = (accumulate ? y[r] : 0) + Dot(w + (long)r * stride, x, depth);
                return;
            }
            switch (Tier)
            {
                case InstructionTier.Vector512:
                    Dots512(w, stride, x, depth, y, accumulate);
                    break;
                case InstructionTier.Vector256:
                    Dots256(w, stride, x, depth, y, accumulate);
                    break;
                default:
                    for (var r = 0; r < RowsAtOnce; r++)
                        y[r] = (accumulate ? y[r] : 0) + (Tier == InstructionTier.Vector128 ? Dot128(w + (long)r * stride, x, depth) : Dot(w + (long)r * stride, x, depth));
                    break;
            }
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void Dots512(float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var i = 0;
        for (; i + 16 <= depth; i += 16)
        {
            var v = Vector512.Load(x + i);
            s0 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + i), s0);
            s1 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + stride + i), s1);
            s2 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + 2 * stride + i), s2);
            s3 = Avx512F.FusedMultiplyAdd(v, Vector512.Load(w + 3 * stride + i), s3);
        }
        var sums = Vector128.Create(Vector512.Sum(s0), Vector512.Sum(s1), Vector512.Sum(s2), Vector512.Sum(s3));
        Finish(sums, w + i, stride, x + i, depth - i, y, accumulate);
    }

    [MethodImpl(Kernel.Body)]
    private static void Dots256(float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        var (s0, s1, s2, s3) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var i = 0;
        for (; i + 8 <= depth; i += 8)
        {
            var v = Vector256.Load(x + i);
            s0 = Fma.MultiplyAdd(v, Vector256.Load(w + i), s0);
            s1 = Fma.MultiplyAdd(v, Vector256.Load(w + stride + i), s1);
            s2 = Fma.MultiplyAdd(v, Vector256.Load(w + 2 * stride + i), s2);
            s3 = Fma.MultiplyAdd(v, Vector256.Load(w + 3 * stride + i), s3);
        }
        var sums = Vector128.Create(Vector256.Sum(s0), Vector256.Sum(s1), Vector256.Sum(s2), Vector256.Sum(s3));
        Finish(sums, w + i, stride, x + i, depth - i, y, accumulate);
    }

    private static void Finish(Vector128<float> sums, float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        for (var r = 0; r < RowsAtOnce; r++)
            y[r] = (accumulate ? y[r] : 0) + (sums[r] + Dot(w + r * stride, x, depth));
    }

    private static float Dot128(float* w, float* x, int depth)
    {
        var (s0, s1) = (Vector128<float>.Zero, Vector128<float>.Zero);
        var i = 0;
        for (; i + 8 <= depth; i += 8)
        {
            s0 = Vector128.MultiplyAddEstimate(Vector128.Load(w + i), Vector128.Load(x + i), s0);
            s1 = Vector128.MultiplyAddEstimate(Vector128.Load(w + i + 4), Vector128.Load(x + i + 4), s1);
        }
        return Vector128.Sum(s0 + s1) + Dot(w + i, x + i, depth - i);
    }

    private static float Dot(float* w, float* x, int depth)
    {
        var sum = 0f;
        for (var i = 0; i < depth; i++)
            sum += w[i] * x[i];
        return sum;
    }
}
