using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Token (or position) embeddings: rows of a table.</summary>
internal static unsafe class Embedding
{
    /// <summary>y [tokens, channels] = the rows of <paramref name="table"/> [vocabulary, channels] that <paramref name="ids"/> name.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the table.</exception>
    public static void Gather(WeightMatrix table, ReadOnlySpan<int> ids, Span<float> y)
    {
        Shapes.Require(y.Length, ids.Length, table.Columns, nameof(y));
        RequireIds(ids, table.Rows);
        for (var t = 0; t < ids.Length; t++)
            table.ReadTile(ids[t], 1, 0, table.Columns, y.Slice(t * table.Columns, table.Columns), table.Columns);
    }

    /// <summary>Adds each token's yGrad to the row of tableGrad that its id names.</summary>
    /// <param name="yGrad">[tokens, channels].</param>
    /// <param name="tableGrad">[vocabulary, channels].</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the table.</exception>
    public static void Scatter(WorkerPool pool, ReadOnlySpan<float> yGrad, ReadOnlySpan<int> ids, int channels, Span<float> tableGrad)
    {
        Shapes.Require(yGrad.Length, ids.Length, channels, nameof(yGrad));
        RequireIds(ids, tableGrad.Length / channels);
        fixed (float* pg = yGrad, pt = tableGrad)
        fixed (int* pi = ids)
        {
            var kernel = new ScatterKernel { YGrad = pg, Ids = pi, TableGrad = pt, Tokens = ids.Length, Channels = channels };
            Kernel.Run(pool, ref kernel, yGrad.Length * 2L);
        }
    }

    private static void RequireIds(ReadOnlySpan<int> ids, int rows)
    {
        for (var t = 0; t < ids.Length; t++)
            if ((uint)ids[t] >= (uint)rows)
                throw new ArgumentOutOfRangeException(nameof(ids), $"id {ids[t]} of token {t} is not in a table of {rows} rows");
    }

    private struct ScatterKernel : IKernel
    {
        public float* YGrad, TableGrad;
        public int* Ids;
        public int Tokens, Channels;

        /// <summary>A worker owns a run of channels: an id that occurs twice is added in the order of tokens.</summary>
        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Channels, worker, workers, 16);
            for (var t = 0; t < Tokens; t++)
            {
                var source = YGrad + (long)t * Channels;
                var row = TableGrad + (long)Ids[t] * Channels;
                var c = start;
                for (; c <= end - V.Count; c += V.Count)
                    (V.Load(row + c) + V.Load(source + c)).Store(row + c);
                for (; c < end; c++)
                    row[c] += source[c];
            }
        }
    }
}
