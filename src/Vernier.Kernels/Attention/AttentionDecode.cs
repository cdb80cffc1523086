using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The body of <see cref="Attention"/> for a few queries against a long cache, bound by memory: every key and value is read once
/// for all queries and heads that see it. A unit is a key/value head and a chunk of keys; outputs of several chunks are merged by <see cref="AttentionMerge"/>.</summary>
/// <typeparam name="T">How keys and values are stored: float or Half.</typeparam>
internal unsafe struct AttentionDecode<T> : IKernel
    where T : unmanaged
{
    /// <summary>Keys of a unit.</summary>
    public const int Chunk = 256;

    /// <summary>Keys that are read at once and stay in the nearest cache for all rows; a multiple of twice the lanes of every tier.</summary>
    private const int Block = 32;

    [ThreadStatic]
    private static NativeBuffer<float>? t_scratch;

    public AttentionShape Shape;
    public float* Q;
    public T* K, V;
    public int Queries, Length;

    /// <summary>[queries, heads * headDim], written where there is one chunk.</summary>
    public float* Output;

    /// <summary>[kvHeads, Chunks, Rows, headDim + 2], written where there are several: maximum, total and the sum of values of each unit's rows.</summary>
    public float* Partial;

    /// <summary>Chunks with a key that any query sees.</summary>
    public readonly int Chunks => (Length + Chunk - 1) / Chunk - FirstChunk;

    public readonly int Rows => Queries * Shape.Group;

    private readonly int FirstChunk => Shape.FirstKey(Length - Queries) / Chunk;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        var width = new AttentionTiles { Shape = Shape }.Width<L>();
        var rows = Rows + TileProduct.RowGrain; // the product rounds its rows up
        var scores = Scratch.Get(ref t_scratch, (long)rows * (Chunk + width + 2) + Block * width);
        var unit = new Unit<L> { Parent = this, Width = width, Scores = scores, Sums = scores + rows * Chunk, Packed = scores + rows * (Chunk + width) };
        unit.Maxima = unit.Packed + Block * width;
        unit.Totals = unit.Maxima + rows;
        var (start, end) = WorkSplit.Share(Shape.KvHeads * Chunks, worker, workers);
        if (start < end)
            unit.PrefetchKeys(start);
        for (var at = start; at < end; at++)
            unit.Run(at, at + 1 < end);
    }

    /// <summary>A unit's head, its keys [First, End), and where the first of them lies in the cache.</summary>
    private readonly (int KvHead, int First, int End, long Offset) Place(int unit)
    {
        var chunks = Chunks;
        var (kvHead, first) = (unit / chunks, (FirstChunk + unit % chunks) * Chunk);
        return (kvHead, first, Math.Min(Length, first + Chunk), (long)first * Shape.KeyChannels + kvHead * Shape.HeadDim);
    }

    private struct Unit<L>
        where L : unmanaged, ILanes<L>
    {
        public AttentionDecode<T> Parent;
        public int Width;

        /// <summary>[rows, Chunk], [rows, Width], and a block of keys or values as floats [Block, Width].</summary>
        public float* Scores, Sums, Packed;

        /// <summary>[rows].</summary>
        public float* Maxima, Totals;

        /// <summary>The first block of its keys has been asked for; does so for the next unit, if one follows.</summary>
        [MethodImpl(Kernel.Body)]
        public readonly void Run(int unit, bool hasNext)
        {
            var (stride, rows) = ((nint)Parent.Shape.KeyChannels, Parent.Rows);
            var (kvHead, first, end, offset) = Parent.Place(unit);
            var keys = Parent.K + offset;
            var values = Parent.V + offset;
            for (var j = first; j < end; j += Block, keys += Block * stride)
            {
                if (j + Block < end)
                    Prefetch(keys + Block * stride, end - j - Block);
                else
                    Prefetch(values, end - first);
                var floats = typeof(T) == typeof(float) ? (float*)keys : Floats(keys, Math.Min(Block, end - j));
                Score(kvHead, floats, typeof(T) == typeof(float) ? stride : Width, j, Math.Min(Block, end - j), Scores + j - first);
            }
            Exponentials((end - first + Block - 1) / Block * Block);
            // halves that few rows need are converted on the way; for more rows, or columns beyond the head's, they are copied first
            var isDirect = Width == Parent.Shape.HeadDim && (typeof(T) == typeof(float) || rows <= TileProduct.FewRows);
            for (var j = first; j < end; j += Block, values += Block * stride)
            {
                if (j + Block < end)
                    Prefetch(values + Block * stride, end - j - Block);
                else if (hasNext)
                    PrefetchKeys(unit + 1);
                var count = Math.Min(Block, end - j);
                if (isDirect)
                    TileProduct.Multiply<L, T>(Scores + j - first, Chunk, 1, values, stride, Sums, Width, rows, Width, count, j > first);
                else
                    TileProduct.Multiply<L>(Scores + j - first, Chunk, 1, Floats(values, count), Width, Sums, Width, rows, Width, count, j > first);
            }
            Store(unit, kvHead);
        }

        public readonly void PrefetchKeys(int unit)
        {
            var (_, first, end, offset) = Parent.Place(unit);
            Prefetch(Parent.K + offset, end - first);
        }

        /// <summary>Asks for a block of the cache, whose rows look like no stream to the processor.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Prefetch(T* block, int count)
        {
            if (!Sse.IsSupported)
                return;
            for (count = Math.Min(Block, count); count > 0; count--, block += Parent.Shape.KeyChannels)
                for (var i = 0; i < Parent.Shape.HeadDim; i += 64 / sizeof(T))
                    Sse.Prefetch0(block + i);
        }

        /// <summary>A block of the cache as floats [count, Width].</summary>
        private readonly float* Floats(T* block, int count)
        {
            AttentionTiles.PackRows<L, T>(block, Parent.Shape.KeyChannels, count, Parent.Shape.HeadDim, 1f, Packed, Width);
            return Packed;
        }

        /// <summary>Scores of a block of keys for every query and head of the group; -∞ for a key that the query does not see, or that is none.</summary>
        [MethodImpl(Kernel.Body)]
        private readonly void Score(int kvHead, float* keys, nint step, int key, int count, float* scores)
        {
            var shape = Parent.Shape;
            var whole = shape.HeadDim % L.Count == 0;
            for (var i = 0; i < Parent.Queries; i++)
            {
                var position = Parent.Length - Parent.Queries + i;
                var (first, end) = (shape.FirstKey(position) - key, position + 1 - key);
                var query = Parent.Q + (long)i * shape.QueryChannels + kvHead * shape.Group * shape.HeadDim;
                for (var h = 0; h < shape.Group; h++, query += shape.HeadDim, scores += Chunk)
                {
                    var j = 0;
                    for (; whole && j <= count - 4 && first <= 0 && j <= end - 4; j += 4)
                        (Reduce.FourDots<L>(query, keys + j * step, step, shape.HeadDim) * shape.Scale).Store(scores + j);
                    for (; j < count; j++)
                        scores[j] = j >= first && j < end ? Reduce.Dot<L>(query, keys + j * step, shape.HeadDim) * shape.Scale : float.NegativeInfinity;
                    for (; j < Block; j++)
                        scores[j] = float.NegativeInfinity;
                    if (shape.SoftCap != 0 && Math.Max(first, 0) is var from && Math.Min(end, count) is var to && from < to)
                        SoftCap.Row<L>(scores + from, to - from, shape.SoftCap);
                }
            }
        }

        /// <summary>Scores of whole blocks become e^(score - maximum).</summary>
        [MethodImpl(Kernel.Body)]
        private readonly void Exponentials(int keys)
        {
            for (var r = 0; r < Parent.Rows; r++)
            {
                var scores = Scores + r * Chunk;
                Maxima[r] = Reduce.Maximum<L>(scores, keys);
                // a chunk outside a query's window has no maximum to take away: its exponentials are all 0
                Totals[r] = (float)Reduce.ExpSum<L>(scores, float.IsNegativeInfinity(Maxima[r]) ? 0f : Maxima[r], keys, scores);
            }
        }

        private readonly void Store(int unit, int kvHead)
        {
            var dim = Parent.Shape.HeadDim;
            for (var r = 0; r < Parent.Rows; r++)
            {
                var sums = Sums + r * Width;
                if (Parent.Partial == null)
                {
                    AttentionTiles.PackRows<L, float>(sums, Width, 1, dim, 1f / Totals[r], Parent.Output + Parent.Shape.RowOffset(kvHead, r), dim);
                    continue;
                }
                var partial = Parent.Partial + ((long)unit * Parent.Rows + r) * (dim + 2);
                (partial[0], partial[1]) = (Maxima[r], Totals[r]);
                new Span<float>(sums, dim).CopyTo(new Span<float>(partial + 2, dim));
            }
        }
    }
}
