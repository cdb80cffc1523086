namespace Vernier.Kernels;

/// <summary>Causal attention softmax(scale q kᵀ) v over sequences laid end to end, tile by tile with an online softmax
/// (Dao et al., arXiv 2205.14135): the [tokens, tokens] scores never exist.</summary>
public static class Attention
{
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
        for (var s = 0; s < starts.Length - 1; s++)
        {
            var (t0, n) = (starts[s], starts[s + 1] - starts[s]);
            var o = new double[n * shape.QueryChannels];
            var l = new double[n * shape.Heads];
            AttentionReference.Forward(
                D(q.Slice(t0 * shape.QueryChannels, o.Length)), D(k.Slice(t0 * shape.KeyChannels, n * shape.KeyChannels)),
                D(v.Slice(t0 * shape.KeyChannels, n * shape.KeyChannels)), n, n, shape, o, l);
            for (var i = 0; i < o.Length; i++)
                output[t0 * shape.QueryChannels + i] = (float)o[i];
            for (var i = 0; i < l.Length && !logSumExp.IsEmpty; i++)
                logSumExp[t0 * shape.Heads + i] = (float)l[i];
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
        for (var s = 0; s < starts.Length - 1; s++)
        {
            var (t0, n) = (starts[s], starts[s + 1] - starts[s]);
            var (dq, dk, dv) = (new double[n * shape.QueryChannels], new double[n * shape.KeyChannels], new double[n * shape.KeyChannels]);
            AttentionReference.Backward(
                D(q.Slice(t0 * shape.QueryChannels, dq.Length)), D(k.Slice(t0 * shape.KeyChannels, dk.Length)),
                D(v.Slice(t0 * shape.KeyChannels, dk.Length)), D(outputGrad.Slice(t0 * shape.QueryChannels, dq.Length)), n, shape, dq, dk, dv);
            for (var i = 0; i < dq.Length; i++)
                qGrad[t0 * shape.QueryChannels + i] = (float)dq[i];
            for (var i = 0; i < dk.Length; i++)
                (kGrad[t0 * shape.KeyChannels + i], vGrad[t0 * shape.KeyChannels + i]) = ((float)dk[i], (float)dv[i]);
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
        var queries = q.Length / shape.QueryChannels;
        var o = new double[output.Length];
        AttentionReference.Forward(
            D(q), D(keys[..(length * shape.KeyChannels)]), D(values[..(length * shape.KeyChannels)]), queries, length, shape, o, new double[queries * shape.Heads]);
        for (var i = 0; i < o.Length; i++)
            output[i] = (float)o[i];
    }

    /// <summary>The same with a cache of half the size.</summary>
    /// <inheritdoc cref="Cached(WorkerPool, ReadOnlySpan{float}, ReadOnlySpan{float}, ReadOnlySpan{float}, int, in AttentionShape, Span{float})"/>
    public static void Cached(
        WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<Half> keys, ReadOnlySpan<Half> values, int length, in AttentionShape shape, Span<float> output)
    {
        var (k, v) = (new float[length * shape.KeyChannels], new float[length * shape.KeyChannels]);
        for (var i = 0; i < k.Length; i++)
            (k[i], v[i]) = ((float)keys[i], (float)values[i]);
        Cached(pool, q, k, v, length, shape, output);
    }

    private static double[] D(ReadOnlySpan<float> x)
    {
        var y = new double[x.Length];
        for (var i = 0; i < y.Length; i++)
            y[i] = x[i];
        return y;
    }

    private static int RequireSequences(ReadOnlySpan<int> starts)
    {
        if (starts.IsEmpty || starts[0] != 0)
            throw new ArgumentException("starts must begin with 0", nameof(starts));
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
