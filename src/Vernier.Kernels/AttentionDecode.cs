using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The body of <see cref="Attention"/> for a few queries against a long cache, bound by memory: every key and value is read once
/// for all queries and heads that see it. A unit is a key/value head and a chunk of keys; its outputs are merged by <see cref="AttentionMerge"/>.</summary>
/// <typeparam name="T">How keys and values are stored: float or Half.</typeparam>
internal unsafe struct AttentionDecode<T> : IKernel
    where T : unmanaged
{
    /// <summary>Keys of a unit.</summary>
    public const int Chunk = 256;

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
        var scores = Scratch.Get(ref t_scratch, (long)Rows * Chunk);
        var (start, end) = Kernel.Share(Shape.KvHeads * chunks, worker, workers);
        for (var unit = start; unit < end; unit++)
            Run<L>(unit / chunks, FirstChunk + unit % chunks, scores);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Run<L>(int kvHead, int chunk, float* scores)
        where L : unmanaged, ILanes<L>
    {
        var (dim, stride, rows) = (Shape.HeadDim, (long)Shape.KeyChannels, Rows);
        var (first, end) = (chunk * Chunk, Math.Min(Length, (chunk + 1) * Chunk));
        var keys = K + first * stride + kvHead * dim;
        for (var j = first; j < end; j++, keys += stride)
            for (var r = 0; r < rows; r++)
            {
                var query = Q + (long)(r / Shape.Group) * Shape.QueryChannels + (kvHead * Shape.Group + r % Shape.Group) * dim;
                var position = Length - Queries + r / Shape.Group;
                scores[r * Chunk + j - first] = j <= position && j >= Shape.FirstKey(position) ? Dot<L>(query, keys) * Shape.Scale : float.NegativeInfinity;
            }
        var partial = Partial + ((long)kvHead * Chunks + chunk) * rows * (dim + 2);
        for (var r = 0; r < rows; r++)
        {
            var row = partial + (long)r * (dim + 2);
            var maximum = Reduce.Maximum<L>(scores + r * Chunk, end - first);
            // a chunk outside a query's window has no maximum to take away: its exponentials are all 0
            row[0] = maximum;
            row[1] = (float)Reduce.ExpSum<L>(scores + r * Chunk, float.IsNegativeInfinity(maximum) ? 0f : maximum, end - first, scores + r * Chunk);
            new Span<float>(row + 2, dim).Clear();
        }
        var values = V + first * stride + kvHead * dim;
        for (var j = 0; j < end - first; j++, values += stride)
            for (var r = 0; r < rows; r++)
                AddScaled<L>(scores[r * Chunk + j], values, partial + (long)r * (dim + 2) + 2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly float Dot<L>(float* query, T* key)
        where L : unmanaged, ILanes<L>
    {
        var (s0, s1) = (L.Create(0f), L.Create(0f));
        var c = 0;
        for (; c <= Shape.HeadDim - 2 * L.Count; c += 2 * L.Count)
        {
            s0 = L.MultiplyAdd(L.Load(query + c), AttentionTiles.Load<L, T>(key + c), s0);
            s1 = L.MultiplyAdd(L.Load(query + c + L.Count), AttentionTiles.Load<L, T>(key + c + L.Count), s1);
        }
        var sum = L.Sum(s0 + s1);
        for (; c < Shape.HeadDim; c++)
            sum += query[c] * AttentionTiles.ToSingle(key[c]);
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void AddScaled<L>(float weight, T* value, float* sum)
        where L : unmanaged, ILanes<L>
    {
        var c = 0;
        for (; c <= Shape.HeadDim - L.Count; c += L.Count)
            L.MultiplyAdd(L.Create(weight), AttentionTiles.Load<L, T>(value + c), L.Load(sum + c)).Store(sum + c);
        for (; c < Shape.HeadDim; c++)
            sum[c] += weight * AttentionTiles.ToSingle(value[c]);
    }
}
