namespace Vernier.Kernels;

/// <summary>The slow, obvious bodies of <see cref="Attention"/> for one sequence, in double: they judge the fast ones.</summary>
internal static class AttentionReference
{
    /// <param name="q">[queries, heads * headDim]; the queries are the last of the keys' positions.</param>
    /// <param name="k">[keys, kvHeads * headDim].</param>
    /// <param name="v">[keys, kvHeads * headDim].</param>
    /// <param name="output">[queries, heads * headDim].</param>
    /// <param name="logSumExp">[queries, heads].</param>
    public static void Forward(
        ReadOnlySpan<double> q, ReadOnlySpan<double> k, ReadOnlySpan<double> v, int queries, int keys, in AttentionShape shape,
        Span<double> output, Span<double> logSumExp)
    {
        var d = shape.HeadDim;
        var p = new double[keys];
        for (var h = 0; h < shape.Heads; h++)
            for (var i = 0; i < queries; i++)
            {
                var position = keys - queries + i;
                var first = shape.FirstKey(position);
                var qi = q.Slice(i * shape.QueryChannels + h * d, d);
                logSumExp[i * shape.Heads + h] = Probabilities(qi, k, h / shape.Group * d, first, position, shape, p);
                var o = output.Slice(i * shape.QueryChannels + h * d, d);
                o.Clear();
                for (var j = first; j <= position; j++)
                    for (var c = 0; c < d; c++)
                        o[c] += p[j] * v[j * shape.KeyChannels + h / shape.Group * d + c];
            }
    }

    /// <summary>Gradients of q, k and v [as their values], overwritten, from that of the output.</summary>
    public static void Backward(
        ReadOnlySpan<double> q, ReadOnlySpan<double> k, ReadOnlySpan<double> v, ReadOnlySpan<double> outputGrad, int tokens, in AttentionShape shape,
        Span<double> qGrad, Span<double> kGrad, Span<double> vGrad)
    {
        var d = shape.HeadDim;
        var p = new double[tokens];
        var pGrad = new double[tokens];
        qGrad.Clear();
        kGrad.Clear();
        vGrad.Clear();
        for (var h = 0; h < shape.Heads; h++)
            for (var i = 0; i < tokens; i++)
            {
                var first = shape.FirstKey(i);
                var at = i * shape.QueryChannels + h * d;
                var head = h / shape.Group * d;
                Probabilities(q.Slice(at, d), k, head, first, i, shape, p);
                var mean = 0.0;
                for (var j = first; j <= i; j++)
                {
                    pGrad[j] = 0;
                    for (var c = 0; c < d; c++)
                    {
                        pGrad[j] += outputGrad[at + c] * v[j * shape.KeyChannels + head + c];
                        vGrad[j * shape.KeyChannels + head + c] += p[j] * outputGrad[at + c];
                    }
                    mean += p[j] * pGrad[j];
                }
                for (var j = first; j <= i; j++)
                {
                    var scoreGrad = p[j] * (pGrad[j] - mean) * Slope(q.Slice(at, d), k.Slice(j * shape.KeyChannels + head, d), shape) * shape.Scale;
                    for (var c = 0; c < d; c++)
                    {
                        qGrad[at + c] += scoreGrad * k[j * shape.KeyChannels + head + c];
                        kGrad[j * shape.KeyChannels + head + c] += scoreGrad * q[at + c];
                    }
                }
            }
    }

    /// <summary>The derivative of the capped score by the scaled one.</summary>
    private static double Slope(ReadOnlySpan<double> q, ReadOnlySpan<double> k, in AttentionShape shape)
    {
        if (shape.SoftCap == 0)
            return 1;
        var score = 0.0;
        for (var c = 0; c < q.Length; c++)
            score += q[c] * k[c];
        var t = Math.Tanh(score * shape.Scale / shape.SoftCap);
        return 1 - t * t;
    }

    /// <summary>p[first..last] = softmax(scale q·k); returns the log of the sum of exponentials.</summary>
    private static double Probabilities(ReadOnlySpan<double> q, ReadOnlySpan<double> k, int head, int first, int last, in AttentionShape shape, double[] p)
    {
        var maximum = double.NegativeInfinity;
        for (var j = first; j <= last; j++)
        {
            p[j] = 0;
            for (var c = 0; c < q.Length; c++)
                p[j] += q[c] * k[j * shape.KeyChannels + head + c];
            p[j] *= shape.Scale;
            if (shape.SoftCap != 0)
                p[j] = shape.SoftCap * Math.Tanh(p[j] / shape.SoftCap);
            maximum = Math.Max(maximum, p[j]);
        }
        var sum = 0.0;
        for (var j = first; j <= last; j++)
            sum += p[j] = Math.Exp(p[j] - maximum);
        for (var j = first; j <= last; j++)
            p[j] /= sum;
        return maximum + Math.Log(sum);
    }
}
