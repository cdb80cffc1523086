using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Slow, obvious bodies of the operations between the matrix products.</summary>
internal static class StandIns
{
    public static void RmsNorm(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, Span<float> y)
    {
        var n = weight.Length;
        for (var at = 0; at < x.Length; at += n)
        {
            var sum = 0.0;
            for (var i = 0; i < n; i++)
                sum += (double)x[at + i] * x[at + i];
            var r = 1 / Math.Sqrt(sum / n + epsilon);
            for (var i = 0; i < n; i++)
                y[at + i] = (float)(x[at + i] * r * weight[i]);
        }
    }

    public static void RmsNormBackward(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, ReadOnlySpan<float> dy, Span<float> dx, bool accumulate, Span<float> weightGrad)
    {
        var n = weight.Length;
        for (var at = 0; at < x.Length; at += n)
        {
            double sum = 0, dot = 0;
            for (var i = 0; i < n; i++)
            {
                sum += (double)x[at + i] * x[at + i];
                dot += (double)dy[at + i] * weight[i] * x[at + i];
            }
            var r = 1 / Math.Sqrt(sum / n + epsilon);
            for (var i = 0; i < n; i++)
            {
                if (!weightGrad.IsEmpty)
                    weightGrad[i] += (float)(dy[at + i] * x[at + i] * r);
                var d = r * ((double)dy[at + i] * weight[i] - x[at + i] * dot * r * r / n);
                dx[at + i] = (float)(accumulate ? dx[at + i] + d : d);
            }
        }
    }

    public static void LayerNorm(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        var n = weight.Length;
        for (var at = 0; at < x.Length; at += n)
        {
            var (mean, r) = Moments(x.Slice(at, n), epsilon);
            for (var i = 0; i < n; i++)
                y[at + i] = (float)((x[at + i] - mean) * r * weight[i] + (bias.IsEmpty ? 0 : bias[i]));
        }
    }

    public static void LayerNormBackward(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon, ReadOnlySpan<float> dy, Span<float> dx, bool accumulate, Span<float> weightGrad, Span<float> biasGrad)
    {
        var n = weight.Length;
        for (var at = 0; at < x.Length; at += n)
        {
            var (mean, r) = Moments(x.Slice(at, n), epsilon);
            double sum = 0, dot = 0;
            for (var i = 0; i < n; i++)
            {
                var g = (double)dy[at + i] * weight[i];
                sum += g;
                dot += g * (x[at + i] - mean) * r;
            }
            for (var i = 0; i < n; i++)
            {
                var h = (x[at + i] - mean) * r;
                if (!weightGrad.IsEmpty)
                    weightGrad[i] += (float)(dy[at + i] * h);
                if (!biasGrad.IsEmpty)
                    biasGrad[i] += dy[at + i];
                var d = r * ((double)dy[at + i] * weight[i] - sum / n - h * dot / n);
                dx[at + i] = (float)(accumulate ? dx[at + i] + d : d);
            }
        }
    }

    private static (double Mean, double Inverse) Moments(ReadOnlySpan<float> x, float epsilon)
    {
        double mean = 0, variance = 0;
        foreach (var v in x)
            mean += v;
        mean /= x.Length;
        foreach (var v in x)
            variance += (v - mean) * (v - mean);
        return (mean, 1 / Math.Sqrt(variance / x.Length + epsilon));
    }

    public static void AddBias(WorkerPool pool, Span<float> y, ReadOnlySpan<float> bias, float sign = 1)
    {
        for (var at = 0; at < y.Length; at += bias.Length)
            for (var i = 0; i < bias.Length; i++)
                y[at + i] += sign * bias[i];
    }

    public static void BiasGradient(WorkerPool pool, ReadOnlySpan<float> dy, Span<float> grad)
    {
        for (var at = 0; at < dy.Length; at += grad.Length)
            for (var i = 0; i < grad.Length; i++)
                grad[i] += dy[at + i];
    }

    public static void Add(WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> sum)
    {
        for (var i = 0; i < a.Length; i++)
            sum[i] = a[i] + b[i];
    }

    public static void Activation(WorkerPool pool, ActivationKind kind, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        for (var i = 0; i < up.Length; i++)
            y[i] = gate.IsEmpty ? (float)Act(kind, up[i]).Value : (float)(Act(kind, gate[i]).Value * up[i]);
    }

    /// <summary>The outputs may be the inputs dy.</summary>
    public static void ActivationBackward(WorkerPool pool, ActivationKind kind, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> dy, Span<float> gateGrad, Span<float> upGrad)
    {
        for (var i = 0; i < up.Length; i++)
        {
            double d = dy[i];
            if (gate.IsEmpty)
                upGrad[i] = (float)(d * Act(kind, up[i]).Slope);
            else
            {
                var (value, slope) = Act(kind, gate[i]);
                gateGrad[i] = (float)(d * up[i] * slope);
                upGrad[i] = (float)(d * value);
            }
        }
    }

    private static (double Value, double Slope) Act(ActivationKind kind, double x)
    {
        switch (kind)
        {
            case ActivationKind.SwiGlu:
                var s = 1 / (1 + Math.Exp(-x));
                return (x * s, s * (1 + x * (1 - s)));
            case ActivationKind.GeluTanh or ActivationKind.GeGluTanh:
                var c = Math.Sqrt(2 / Math.PI);
                var t = Math.Tanh(c * (x + 0.044715 * x * x * x));
                return (0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x));
            case ActivationKind.Relu:
                return (Math.Max(x, 0), x > 0 ? 1 : 0);
            default:
                throw new NotSupportedException($"activation {kind}");
        }
    }

    /// <summary>Rotates the first 2 * pairs channels of each head; sign -1 rotates back.</summary>
    public static void Rotate(WorkerPool pool, Span<float> x, int headDim, int width, ReadOnlySpan<int> positions, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin, int pairs, bool interleaved, float sign)
    {
        for (var t = 0; t < positions.Length; t++)
            for (var h = t * width; h < (t + 1) * width; h += headDim)
                for (var j = 0; j < pairs; j++)
                {
                    var (c, s) = (cos[positions[t] * pairs + j], sign * sin[positions[t] * pairs + j]);
                    var (a, b) = interleaved ? (h + 2 * j, h + 2 * j + 1) : (h + j, h + j + pairs);
                    (x[a], x[b]) = (x[a] * c - x[b] * s, x[b] * c + x[a] * s);
                }
    }

    /// <summary>Queries [starts[s], starts[s+1]) see keys [.., past + own position]; keys of a sequence begin at starts[s] (past is 0) or at 0.</summary>
    public static void Attention(WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<int> starts, int past, int heads, int kvHeads, int dim, float scale, int window, Span<float> y, Span<float> logSumExp)
    {
        var weights = new double[starts[^1] + past];
        for (var s = 0; s + 1 < starts.Length; s++)
            for (var t = starts[s]; t < starts[s + 1]; t++)
                for (var h = 0; h < heads; h++)
                {
                    var kv = h / (heads / kvHeads);
                    var last = t + past;
                    var first = window > 0 ? Math.Max(starts[s], last - window + 1) : starts[s];
                    var max = double.NegativeInfinity;
                    for (var j = first; j <= last; j++)
                    {
                        var dot = 0.0;
                        for (var i = 0; i < dim; i++)
                            dot += (double)q[(t * heads + h) * dim + i] * k[(j * kvHeads + kv) * dim + i];
                        weights[j] = dot * scale;
                        max = Math.Max(max, weights[j]);
                    }
                    var sum = 0.0;
                    for (var j = first; j <= last; j++)
                        sum += Math.Exp(weights[j] - max);
                    logSumExp[t * heads + h] = (float)(max + Math.Log(sum));
                    for (var i = 0; i < dim; i++)
                    {
                        var mixed = 0.0;
                        for (var j = first; j <= last; j++)
                            mixed += Math.Exp(weights[j] - max) / sum * v[(j * kvHeads + kv) * dim + i];
                        y[(t * heads + h) * dim + i] = (float)mixed;
                    }
                }
    }

    public static void AttentionBackward(WorkerPool pool, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> y, ReadOnlySpan<float> logSumExp, ReadOnlySpan<float> dy, ReadOnlySpan<int> starts, int heads, int kvHeads, int dim, float scale, int window, Span<float> dq, Span<float> dk, Span<float> dv)
    {
        dq.Clear();
        dk.Clear();
        dv.Clear();
        for (var s = 0; s + 1 < starts.Length; s++)
            for (var t = starts[s]; t < starts[s + 1]; t++)
                for (var h = 0; h < heads; h++)
                {
                    var kv = h / (heads / kvHeads);
                    var first = window > 0 ? Math.Max(starts[s], t - window + 1) : starts[s];
                    var at = (t * heads + h) * dim;
                    var delta = 0.0;
                    for (var i = 0; i < dim; i++)
                        delta += (double)dy[at + i] * y[at + i];
                    for (var j = first; j <= t; j++)
                    {
                        var to = (j * kvHeads + kv) * dim;
                        double dot = 0, dp = 0;
                        for (var i = 0; i < dim; i++)
                        {
                            dot += (double)q[at + i] * k[to + i];
                            dp += (double)dy[at + i] * v[to + i];
                        }
                        var p = Math.Exp(dot * scale - logSumExp[t * heads + h]);
                        var ds = p * (dp - delta) * scale;
                        for (var i = 0; i < dim; i++)
                        {
                            dq[at + i] += (float)(ds * k[to + i]);
                            dk[to + i] += (float)(ds * q[at + i]);
                            dv[to + i] += (float)(p * dy[at + i]);
                        }
                    }
                }
    }

    /// <summary>Turns logits [rows, vocabulary] into scale * (softmax - one-hot) and returns the summed negative log-likelihood.</summary>
    public static double CrossEntropy(WorkerPool pool, Span<float> logits, int vocabulary, ReadOnlySpan<int> targets, float scale, Span<float> logProbabilities, Span<bool> greedy, bool gradient)
    {
        var total = 0.0;
        for (var r = 0; r < targets.Length; r++)
        {
            var row = logits.Slice(r * vocabulary, vocabulary);
            var best = 0;
            for (var i = 1; i < vocabulary; i++)
                if (row[i] > row[best])
                    best = i;
            var sum = 0.0;
            foreach (var v in row)
                sum += Math.Exp((double)v - row[best]);
            var log = row[best] + Math.Log(sum);
            total += log - row[targets[r]];
            if (!logProbabilities.IsEmpty)
                logProbabilities[r] = (float)(row[targets[r]] - log);
            if (!greedy.IsEmpty)
                greedy[r] = best == targets[r];
            if (!gradient)
                continue;
            var target = targets[r];
            for (var i = 0; i < vocabulary; i++)
                row[i] = (float)(scale * (Math.Exp(row[i] - log) - (i == target ? 1 : 0)));
        }
        return total;
    }
}
