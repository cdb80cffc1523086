namespace Vernier.Kernels;

/// <summary>Causal attention softmax(scale q kᵀ) v over sequences laid end to end, tile by tile with an online softmax
/// (Dao et al., arXiv 2205.14135): the [tokens, tokens] scores never exist.</summary>
internal static unsafe class Attention
{
    /// <summary>With more queries than this the tiles of <see cref="AttentionForward{T}"/> are faster than reading the cache once.</summary>
    private const int MostDecoded = 4;

    [ThreadStatic]
    private static NativeBuffer<float>? t_partial;

    /// <param name="q">[tokens, heads * headDim].</param>
    /// <param name="k">[tokens, kvHeads * headDim].</param>
    /// <param name="v">[tokens, kvHeads * headDim].</param>
    /// <param name="starts">[sequences + 1]: first token of each sequence, then the token count.</param>
    /// <param name="output">[tokens, heads * headDim].</param>
    /// <param name="logSumExp">[tokens, heads]: log Σ e^score, all that Backward needs besides the output; empty when it will not be called.</param>
    public static void Forward(
        WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<int> starts, in AttentionShape shape,
        Span<float> output, Span<float> logSumExp)
    {
        var tokens = RequireSequences(starts);
        Require(q.Length, k.Length, v.Length, tokens, tokens, shape);
        Shapes.Require(output.Length, tokens, shape.QueryChannels, nameof(output));
        if (!logSumExp.IsEmpty)
            Shapes.Require(logSumExp.Length, tokens, shape.Heads, nameof(logSumExp));
        fixed (float* pq = q, pk = k, pv = v, po = output, pl = logSumExp)
        fixed (int* ps = starts)
        {
            var kernel = new AttentionForward<float>
            {
                Tiles = new AttentionTiles(shape, ps, starts.Length - 1, 0),
                Q = pq,
                K = pk,
                V = pv,
                Output = po,
                LogSumExp = pl,
            };
            Kernel.Run(pool, ref kernel, kernel.Tiles.Work);
        }
    }

    /// <summary>The gradients of q, k and v, overwritten.</summary>
    /// <param name="output">[tokens, heads * headDim] of Forward.</param>
    /// <param name="logSumExp">[tokens, heads] of Forward.</param>
    /// <param name="outputGrad">[tokens, heads * headDim].</param>
    /// <param name="qGrad">[tokens, heads * headDim].</param>
    /// <param name="kGrad">[tokens, kvHeads * headDim].</param>
    /// <param name="vGrad">[tokens, kvHeads * headDim].</param>
    public static void Backward(
        WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> output, ReadOnlySpan<float> logSumExp,
        ReadOnlySpan<float> outputGrad, ReadOnlySpan<int> starts, in AttentionShape shape, Span<float> qGrad, Span<float> kGrad, Span<float> vGrad)
    {
        var tokens = RequireSequences(starts);
        Require(q.Length, k.Length, v.Length, tokens, tokens, shape);
        Require(qGrad.Length, kGrad.Length, vGrad.Length, tokens, tokens, shape);
        Shapes.Require(output.Length, tokens, shape.QueryChannels, nameof(output));
        Shapes.Require(outputGrad.Length, tokens, shape.QueryChannels, nameof(outputGrad));
        Shapes.Require(logSumExp.Length, tokens, shape.Heads, nameof(logSumExp));
        if (tokens == 0)
            return;
        fixed (float* pq = q, pk = k, pv = v, po = output, pl = logSumExp, pog = outputGrad, pqg = qGrad, pkg = kGrad, pvg = vGrad)
        fixed (int* ps = starts)
        {
            var pairs = stackalloc int[2 * pool.Threads];
            new Span<int>(pairs, 2 * pool.Threads).Fill(-1);
            var kernel = new AttentionBackward
            {
                Tiles = new AttentionTiles(shape, ps, starts.Length - 1, 0),
                Q = pq,
                K = pk,
                V = pv,
                Output = po,
                LogSumExp = pl,
                OutputGrad = pog,
                QGrad = pqg,
                KGrad = pkg,
                VGrad = pvg,
                PartialPairs = pairs,
            };
            kernel.Partial = Scratch.Get(ref t_partial, 4 * pool.Threads * kernel.PartialSize);
            Kernel.Run(pool, ref kernel, kernel.Tiles.Work);
            var reduction = new AttentionReduction { Backward = kernel, Slots = 2 * pool.Threads };
            Kernel.Run(pool, ref reduction, 2L * k.Length);
        }
    }

    /// <summary>Inference: the queries are the last positions of one sequence whose keys and values are in a cache.</summary>
    /// <param name="q">[queries, heads * headDim]: positions length - queries .. length - 1.</param>
    /// <param name="keys">[length or more, kvHeads * headDim]: the new tokens' keys are already stored.</param>
    /// <param name="values">[length or more, kvHeads * headDim].</param>
    /// <param name="length">Tokens in the cache, the new ones included.</param>
    /// <param name="output">[queries, heads * headDim].</param>
    public static void Cached(
        WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<float> keys, ReadOnlySpan<float> values, int length, in AttentionShape shape, Span<float> output)
    {
        fixed (float* pk = keys, pv = values)
            Cached(pool, q, pk, pv, Math.Min(keys.Length, values.Length), length, shape, output);
    }

    /// <summary>The same with a cache of half the size.</summary>
    /// <inheritdoc cref="Cached(WorkerPool, ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, int, in AttentionShape, Span{float})"/>
    public static void Cached(
        WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<Half> keys, ReadOnlySpan<Half> values, int length, in AttentionShape shape, Span<float> output)
    {
        fixed (Half* pk = keys, pv = values)
            Cached(pool, q, pk, pv, Math.Min(keys.Length, values.Length), length, shape, output);
    }

    private static void Cached<T>(
        WorkerPool pool, ReadOnlySpan<float> q, T* keys, T* values, int cached, int length, in AttentionShape shape, Span<float> output)
        where T : unmanaged
    {
        shape.Validate();
        var queries = q.Length / shape.QueryChannels;
        Shapes.Require(q.Length, queries, shape.QueryChannels, nameof(q));
        Shapes.Require(output.Length, queries, shape.QueryChannels, nameof(output));
        if (length < queries || cached < (long)length * shape.KeyChannels)
            throw new ArgumentOutOfRangeException(nameof(length), $"{queries} queries, {cached / shape.KeyChannels} cached tokens and a length of {length}");
        if (queries == 0)
            return;
        fixed (float* pq = q, po = output)
        {
            if (queries <= MostDecoded)
            {
                Decode(pool, pq, keys, values, queries, length, shape, po);
                return;
            }
            var starts = stackalloc int[] { 0, queries };
            var kernel = new AttentionForward<T> { Tiles = new AttentionTiles(shape, starts, 1, length - queries), Q = pq, K = keys, V = values, Output = po };
            Kernel.Run(pool, ref kernel, kernel.Tiles.Work);
        }
    }

    private static void Decode<T>(WorkerPool pool, float* q, T* keys, T* values, int queries, int length, in AttentionShape shape, float* output)
        where T : unmanaged
    {
        var kernel = new AttentionDecode<T> { Shape = shape, Q = q, K = keys, V = values, Queries = queries, Length = length, Output = output };
        var (rows, chunks) = (kernel.Rows, kernel.Chunks);
        if (chunks > 1)
            kernel.Partial = Scratch.Get(ref t_partial, (long)shape.KvHeads * chunks * rows * (shape.HeadDim + 2));
        Kernel.Run(pool, ref kernel, (long)queries * shape.QueryChannels * length);
        if (chunks == 1)
            return;
        var merge = new AttentionMerge { Shape = shape, Partial = kernel.Partial, Output = output, Rows = rows, Chunks = chunks };
        Kernel.Run(pool, ref merge, (long)queries * shape.QueryChannels * chunks);
    }

    private static int RequireSequences(ReadOnlySpan<int> starts)
    {
        if (starts.Length < 2 || starts[0] != 0)
            throw new ArgumentException("starts must begin with 0 and hold one bound more than there are sequences", nameof(starts));
        for (var s = 1; s < starts.Length; s++)
            if (starts[s] < starts[s - 1])
                throw new ArgumentException($"sequence {s - 1} ends before it begins", nameof(starts));
        return starts[^1];
    }

    private static void Require(int q, int k, int v, int queries, int keys, in AttentionShape shape)
    {
        shape.Validate();
        Shapes.Require(q, queries, shape.QueryChannels, nameof(q));
        Shapes.Require(k, keys, shape.KeyChannels, nameof(k));
        Shapes.Require(v, keys, shape.KeyChannels, nameof(v));
    }
}
