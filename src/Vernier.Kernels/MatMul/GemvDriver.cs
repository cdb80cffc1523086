using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Y = X Ŵᵀ for the few tokens of decoding: no packing; a few rows of the weight are dequantized into the first-level
/// cache, where every token is multiplied by them, so that the weight is read once, in order.</summary>
internal static unsafe class GemvDriver
{
    /// <summary>Rows that <see cref="IGemvKernel.Dots"/> takes.</summary>
    public const int RowsAtOnce = 4;

    private const int MaxDepth = 1024;

    /// <summary>y [tokens, out] = x [tokens, in] Ŵᵀ, or y +=. Workers split the rows of the weight.</summary>
    public static void Forward<TKernel>(WorkerPool pool, float* x, int tokens, WeightMatrix weight, float* y, bool accumulate)
        where TKernel : IGemvKernel
    {
        var job = new Job<TKernel> { X = x, Tokens = tokens, Weight = weight, Y = y, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job<TKernel> : IParallelJob
        where TKernel : IGemvKernel
    {
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
                    {
                        var x = X + (long)t * columns + column;
                        var y = Y + (long)t * rows + row;
                        if (count == RowsAtOnce)
                            TKernel.Dots(w, stride, x, depth, y, Accumulate || column > 0);
                        else
                            for (var r = 0; r < count; r++)
                                y[r] = (Accumulate || column > 0 ? y[r] : 0) + Dot(w + (long)r * stride, x, depth);
                    }
                }
            }
        }
    }

    /// <summary>What <see cref="IGemvKernel.Dots"/> leaves over: the last elements of each row.</summary>
    /// <param name="sums">Of the elements before.</param>
    public static void Finish(Vector128<float> sums, float* w, long stride, float* x, int depth, float* y, bool accumulate)
    {
        for (var r = 0; r < RowsAtOnce; r++)
            y[r] = (accumulate ? y[r] : 0) + (sums[r] + Dot(w + r * stride, x, depth));
    }

    /// <summary>Σ w x, one by one.</summary>
    public static float Dot(float* w, float* x, int depth)
    {
        var sum = 0f;
        for (var i = 0; i < depth; i++)
            sum += w[i] * x[i];
        return sum;
    }
}
