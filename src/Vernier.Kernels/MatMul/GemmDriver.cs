using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The blocking around an <see cref="IGemmKernel"/>, after Goto and van de Geijn, "Anatomy of High-Performance Matrix
/// Multiplication", 2008: b (the weight) is packed, and so dequantized, once into panels that fill about half of the second-level
/// cache, where every row of a is multiplied by them, which is packed once for all workers.</summary>
internal static unsafe class GemmDriver
{
    /// <summary>Most depths of a panel: 384 x (12 + 32) fp32 keep a panel of a beside the stream of b in the first-level cache.</summary>
    public const int MaxDepth = 384;

    /// <summary>Most columns of b packed at once: 384 x 384 fp32 = 576 KB.</summary>
    public const int MaxWidth = 384;

    // Packed a at once, in floats (16 MB); longer products go in several rounds.
    private const long MaxPacked = 4 << 20;
    private const int MaxRowsAtOnce = 2048;

    // A gradient tile: 192 x 384 fp32 = 288 KB beside its panels.
    private const int GradientRows = 192;
    private const int GradientDepth = 256;

    /// <summary>c [m, n] = a bᵀ over k depths, or c += with <paramref name="accumulate"/>.</summary>
    public static void Multiply<TKernel, TA, TB>(WorkerPool pool, TA a, TB b, int m, int n, int k, float* c, long stride, bool accumulate)
        where TKernel : IGemmKernel
        where TA : struct, IPanelSource
        where TB : struct, IPanelSource
    {
        var depth = SplitEvenly(k, MaxDepth, CodePlanes.Chunk);
        var rowsAtOnce = Math.Min(m, MaxRowsAtOnce / TKernel.Rows * TKernel.Rows);
        var padded = WorkSplit.RoundUp(rowsAtOnce, TKernel.Rows);
        var depthsAtOnce = (int)Math.Min(k, Math.Max(1, MaxPacked / ((long)padded * depth)) * depth);
        var packed = pool.SharedScratch((long)padded * depthsAtOnce);
        for (var row = 0; row < m; row += rowsAtOnce)
            for (var d = 0; d < k; d += depthsAtOnce)
            {
                var job = new MultiplyJob<TKernel, TA, TB>
                {
                    Pool = pool,
                    A = a,
                    B = b,
                    Packed = packed,
                    Row = row,
                    Rows = Math.Min(rowsAtOnce, m - row),
                    Columns = n,
                    FirstDepth = d,
                    Depths = Math.Min(depthsAtOnce, k - d),
                    Depth = depth,
                    C = c,
                    Stride = stride,
                    Accumulate = accumulate || d > 0,
                };
                job.Packing = true;
                pool.Run(ref job);
                job.Packing = false;
                pool.Run(ref job);
            }
    }

    /// <summary>a bᵀ [m, n] over k depths, delivered in tiles.</summary>
    public static void MultiplyIntoSink<TKernel, TA, TB>(WorkerPool pool, TA a, TB b, int m, int n, int k, IGradientTileSink sink)
        where TKernel : IGemmKernel
        where TA : struct, IPanelSource
        where TB : struct, IPanelSource
    {
        var depth = SplitEvenly(k, GradientDepth, 16);
        var columnsAtOnce = (int)Math.Min(WorkSplit.RoundUp(n, TKernel.Columns), Math.Max(1, MaxPacked / ((long)k * MaxWidth)) * MaxWidth);
        var packed = pool.SharedScratch((long)columnsAtOnce * k);
        for (var column = 0; column < n; column += columnsAtOnce)
        {
            var job = new TileJob<TKernel, TA, TB>
            {
                Pool = pool,
                A = a,
                B = b,
                Packed = packed,
                Rows = m,
                Column = column,
                Columns = Math.Min(columnsAtOnce, n - column),
                Depths = k,
                Depth = depth,
                Sink = sink,
            };
            job.Packing = true;
            pool.Run(ref job);
            job.Packing = false;
            pool.Run(ref job);
        }
    }

    /// <summary>c [rows, columns] = a bᵀ over packed panels of <paramref name="depth"/> depths, edges included.</summary>
    public static void MultiplyPanels<TKernel>(float* a, int rows, float* b, int columns, int depth, float* c, long stride, bool accumulate)
        where TKernel : IGemmKernel
    {
        for (var i = 0; i < rows; i += TKernel.Rows, a += (long)TKernel.Rows * depth)
        {
            var panel = b;
            for (var j = 0; j < columns; j += TKernel.Columns, panel += (long)TKernel.Columns * depth)
            {
                var to = c + i * stride + j;
                if (rows - i >= TKernel.Rows && columns - j >= TKernel.Columns)
                    TKernel.Multiply(a, panel, depth, to, stride, accumulate);
                else
                    MultiplyEdge<TKernel>(a, Math.Min(TKernel.Rows, rows - i), panel, Math.Min(TKernel.Columns, columns - j), depth, to, stride, accumulate);
            }
        }
    }

    // Equal parts of at most max, in whole multiples where there is more than one.
    private static int SplitEvenly(int count, int max, int multiple)
    {
        var parts = (count + max - 1) / max;
        return parts == 1 ? count : WorkSplit.RoundUp((count + parts - 1) / parts, multiple);
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MultiplyEdge<TKernel>(float* a, int rows, float* b, int columns, int depth, float* c, long stride, bool accumulate)
        where TKernel : IGemmKernel
    {
        var tile = stackalloc float[TKernel.Rows * TKernel.Columns];
        TKernel.Multiply(a, b, depth, tile, TKernel.Columns, false);
        for (var i = 0; i < rows; i++, tile += TKernel.Columns, c += stride)
            for (var j = 0; j < columns; j++)
                c[j] = accumulate ? c[j] + tile[j] : tile[j];
    }

    private struct MultiplyJob<TKernel, TA, TB> : IParallelJob
        where TKernel : IGemmKernel
        where TA : struct, IPanelSource
        where TB : struct, IPanelSource
    {
        public WorkerPool Pool;
        public TA A;
        public TB B;
        public float* Packed;
        public int Row, Rows, Columns, FirstDepth, Depths, Depth;
        public float* C;
        public long Stride;
        public bool Accumulate, Packing;

        public readonly void Execute(int worker, int workers)
        {
            if (Packing)
                PackShare(worker, workers);
            else
                MultiplyShare(worker, workers);
        }

        private readonly void PackShare(int worker, int workers)
        {
            var padded = WorkSplit.RoundUp(Rows, TKernel.Rows);
            var (start, end) = WorkSplit.Share(padded / TKernel.Rows, worker, workers);
            var (row, count) = (start * TKernel.Rows, Math.Min(end * TKernel.Rows, Rows) - start * TKernel.Rows);
            for (var d = 0; d < Depths; d += Depth)
            {
                var depth = Math.Min(Depth, Depths - d);
                A.Pack(Row + row, count, FirstDepth + d, depth, TKernel.Rows, Packed + (long)padded * d + (long)row * depth);
            }
        }

        private readonly void MultiplyShare(int worker, int workers)
        {
            var padded = WorkSplit.RoundUp(Rows, TKernel.Rows);
            var (rowPanels, columnPanels) = (padded / TKernel.Rows, (Columns - 1) / TKernel.Columns + 1);
            var across = WorkersAcross(rowPanels, columnPanels, workers);
            var (top, bottom) = WorkSplit.Share(rowPanels, worker / across, workers / across);
            var (left, right) = WorkSplit.Share(columnPanels, worker % across, across);
            if (top == bottom || left == right)
                return;
            var (row, rows) = (top * TKernel.Rows, Math.Min(bottom * TKernel.Rows, Rows) - top * TKernel.Rows);
            var columnEnd = Math.Min(right * TKernel.Columns, Columns);
            var width = SplitEvenly((right - left) * TKernel.Columns, MaxWidth, TKernel.Columns);
            var panels = Pool.WorkerScratch(worker, (long)width * Depth);
            for (var column = left * TKernel.Columns; column < columnEnd; column += width)
            {
                Pool.Cancellation.ThrowIfCancellationRequested();
                var columns = Math.Min(width, columnEnd - column);
                for (var d = 0; d < Depths; d += Depth)
                {
                    var depth = Math.Min(Depth, Depths - d);
                    B.Pack(column, columns, FirstDepth + d, depth, TKernel.Columns, panels);
                    MultiplyPanels<TKernel>(Packed + (long)padded * d + (long)row * depth, rows, panels, columns, depth,
                        C + (Row + row) * Stride + column, Stride, Accumulate || d > 0);
                }
            }
        }

        // Workers form a grid; the one with the smallest largest share wins, at a tie the one that packs b least often.
        private static int WorkersAcross(int rowPanels, int columnPanels, int workers)
        {
            var (best, least) = (workers, long.MaxValue);
            for (var across = workers; across > 0; across--)
            {
                if (workers % across != 0)
                    continue;
                var down = workers / across;
                var share = (long)((rowPanels + down - 1) / down) * ((columnPanels + across - 1) / across);
                if (share < least)
                    (best, least) = (across, share);
            }
            return best;
        }
    }

    private struct TileJob<TKernel, TA, TB> : IParallelJob
        where TKernel : IGemmKernel
        where TA : struct, IPanelSource
        where TB : struct, IPanelSource
    {
        public WorkerPool Pool;
        public TA A;
        public TB B;
        public float* Packed;
        public int Rows, Column, Columns, Depths, Depth;
        public IGradientTileSink Sink;
        public bool Packing;

        private readonly int PaddedColumns => WorkSplit.RoundUp(Columns, TKernel.Columns);

        public readonly void Execute(int worker, int workers)
        {
            if (Packing)
                PackShare(worker, workers);
            else
                MultiplyShare(worker, workers);
        }

        private readonly void PackShare(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(PaddedColumns / TKernel.Columns, worker, workers);
            var (column, count) = (start * TKernel.Columns, Math.Min(end * TKernel.Columns, Columns) - start * TKernel.Columns);
            for (var d = 0; d < Depths; d += Depth)
            {
                var depth = Math.Min(Depth, Depths - d);
                B.Pack(Column + column, count, d, depth, TKernel.Columns, Packed + (long)PaddedColumns * d + (long)column * depth);
            }
        }

        private readonly void MultiplyShare(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share((Rows - 1) / TKernel.Rows + 1, worker, workers);
            var (top, bottom) = (start * TKernel.Rows, Math.Min(end * TKernel.Rows, Rows));
            if (top >= bottom)
                return;
            var height = SplitEvenly(bottom - top, GradientRows, TKernel.Rows);
            var width = SplitEvenly(Columns, MaxWidth, TKernel.Columns);
            var padded = WorkSplit.RoundUp(height, TKernel.Rows);
            var a = Pool.WorkerScratch(worker, (long)padded * Depths + (long)height * width);
            var tile = a + (long)padded * Depths;
            for (var row = top; row < bottom; row += height)
            {
                var rows = Math.Min(height, bottom - row);
                for (var d = 0; d < Depths; d += Depth)
                    A.Pack(row, rows, d, Math.Min(Depth, Depths - d), TKernel.Rows, a + (long)padded * d);
                for (var column = 0; column < Columns; column += width)
                {
                    Pool.Cancellation.ThrowIfCancellationRequested();
                    var columns = Math.Min(width, Columns - column);
                    for (var d = 0; d < Depths; d += Depth)
                    {
                        var depth = Math.Min(Depth, Depths - d);
                        MultiplyPanels<TKernel>(a + (long)padded * d, rows, Packed + (long)PaddedColumns * d + (long)column * depth, columns, depth, tile, columns, d > 0);
                    }
                    Sink.Accept(worker, row, rows, Column + column, columns, new Span<float>(tile, rows * columns), columns);
                }
            }
        }
    }
}
