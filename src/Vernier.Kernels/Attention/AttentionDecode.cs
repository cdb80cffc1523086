using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The body of <see cref="Attention"/> for a few queries against a long cache, bound by memory: every key and value is read once
/// for all queries and heads that see it. A unit is a key/value head and a chunk of keys; its outputs are merged by <see cref="AttentionMerge"/>.</summary>
/// <typeparam name="T">How keys and values are stored: float or Half.</typeparam>
internal unsafe struct AttentionDecode<T> : IKernel
    where T : unmanaged
{
    /// <summary>Keys of a unit.</summary>
    public const int Chunk = 256;

    /// <summary>Keys that are read at once and stay in the nearest cache for all rows.</summary>
    private const int Block = 32;

    [ThreadStatic]
    private static NativeBuffer<float>? t_scratch;

    public AttentionShape Shape;
    public float* Q;
    public T* K, V;
    public int Queries, Length;

    /// <summary>[kvHeads, chunks, Queries * Group, headDim + 2]: maximum, total and the sum of values of each unit's rows.</summary>
    public float* Partial;

    public readonly int Chunks => (Length + Chunk - 1) / Chunk;

    /// <summary>The first key that any query sees, as a chunk.</summary>
    public readonly int FirstChunk => Shape.FirstKey(Length - Queries) / Chunk;

    public readonly int Rows => Queries * Shape.Group;

    public readonly void Execute<L>(int worker, int workers)
        where L : unmanaged, ILanes<L>
    {
        var chunks = Chunks - FirstChunk;
        var width = new AttentionTiles { Shape = Shape }.Width<L>();
        var rows = Rows + TileProduct.RowGrain; // the product rounds its rows up
        var scores = Scratch.Get(ref t_scratch, (long)rows * (Chunk + width) + Block * width);
        var unit = new Unit<L> { Parent = this, Width = width, Scores = scores, Sums = scores + rows * Chunk, Packed = scores + rows * (Chunk + width) };
        var (start, end) = Kernel.Share(Shape.KvHeads * chunks, worker, workers);
        for (var at = start; at < end; at++)
            unit.Run(at / chunks, FirstChunk + at % chunks);
    }

    private struct Unit<L>
        where L : unmanaged, ILanes<L>
    {
        public AttentionDecode<T> Parent;
        public int Width;

        /// <summary>[rows, Chunk], [rows, Width], and a block of keys or values as floats [Block, Width].</summary>
        public float* Scores, Sums, Packed;

        [MethodImpl(Kernel.Body)]
        public readonly void Run(int kvHead, int chunk)
        {
            var (dim, stride, rows) = (Parent.Shape.HeadDim, (long)Parent.Shape.KeyChannels, Parent.Rows);
            var (first, end) = (chunk * Chunk, Math.Min(Parent.Length, (chunk + 1) * Chunk));
            var headKeys = Parent.K + kvHead * dim;
            var headValues = Parent.V + kvHead * dim;
            Prefetch(headKeys + first * stride, end - first);
            for (var j = first; j < end; j += Block)
            {
                if (j + Block < end)
                    Prefetch(headKeys + (j + Block) * stride, end - j - Block);
                else
                    Prefetch(headValues + first * stride, end - first);
                var keys = Floats(headKeys + j * stride, Math.Min(Block, end - j), isWide: true, out var step);
                Score(kvHead, keys, step, j, Math.Min(Block, end - j), Scores + j - first);
            }
            var partial = Parent.Partial + ((long)kvHead * Parent.Chunks + chunk) * rows * (dim + 2);
            Exponentials(end - first, partial);
            for (var j = first; j < end; j += Block)
            {
                Prefetch(headValues + (j + Block) * stride, end - j - Block);
                var values = Floats(headValues + j * stride, Math.Min(Block, end - j), isWide: Width == dim, out var step);
                TileProduct.Multiply<L>(Scores + j - first, Chunk, 1, values, step, Sums, Width, rows, Width, Math.Min(Block, end - j), j > first);
            }
            for (var r = 0; r < rows; r++)
                new Span<float>(Sums + r * Width, dim).CopyTo(new Span<float>(partial + (long)r * (dim + 2) + 2, dim));
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

        /// <summary>A block of the cache as floats: where it is, when it is floats and wide enough, else a copy.</summary>
        private readonly float* Floats(T* block, int count, bool isWide, out nint step)
        {
            if (typeof(T) == typeof(float) && isWide)
            {
                step = Parent.Shape.KeyChannels;
                return (float*)block;
            }
            AttentionTiles.PackRows<L, T>(block, Parent.Shape.KeyChannels, count, Parent.Shape.HeadDim, 1f, Packed, Width);
            step = Width;
            return Packed;
        }

        /// <summary>Scores of a block of keys for every query and head of the group; -∞ for a key that the query does not see.</summary>
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
                }
            }
        }

        /// <summary>Scores become e^(score - maximum); maximum and total go to the partial result.</summary>
        [MethodImpl(Kernel.Body)]
        private readonly void Exponentials(int keys, float* partial)
        {
            for (var r = 0; r < Parent.Rows; r++, partial += Parent.Shape.HeadDim + 2)
            {
                var scores = Scores + r * Chunk;
                partial[0] = Reduce.Maximum<L>(scores, keys);
                // a chunk outside a query's window has no maximum to take away: its exponentials are all 0
                partial[1] = (float)Reduce.ExpSum<L>(scores, float.IsNegativeInfinity(partial[0]) ? 0f : partial[0], keys, scores);
            }
        }
    }
}
