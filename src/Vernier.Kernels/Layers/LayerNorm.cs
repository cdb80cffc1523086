using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>y = (x - mean) / √(variance + ε) * weight + bias over each row (Ba et al., arXiv 1607.06450).</summary>
internal static unsafe class LayerNorm
{
    [ThreadStatic]
    private static NativeBuffer<float>? t_moments;

    /// <param name="x">[rows, channels].</param>
    /// <param name="weight">[channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="y">[rows, channels]; may be <paramref name="x"/>.</param>
    public static void Forward(
        WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int rows, float epsilon, Span<float> y)
    {
        var channels = weight.Length;
        Shapes.Require(x.Length, rows, channels, nameof(x));
        Shapes.Require(y.Length, rows, channels, nameof(y));
        Shapes.Require(bias.Length, 1, channels, nameof(bias));
        fixed (float* px = x, pw = weight, pb = bias, py = y)
        {
            var kernel = new ForwardKernel { X = px, Weight = pw, Bias = pb, Y = py, Rows = rows, Channels = channels, Epsilon = epsilon };
            Kernel.Run(pool, ref kernel, x.Length * 6L);
        }
    }

    /// <summary>With r = 1 / √(variance + ε), n = (x - mean) r and g = yGrad * weight: xGrad = r (g - mean(g) - n mean(g n)),
    /// weightGrad += Σ yGrad n, biasGrad += Σ yGrad. Mean and variance are recomputed from x.</summary>
    /// <param name="x">[rows, channels], the input of Forward.</param>
    /// <param name="yGrad">[rows, channels].</param>
    /// <param name="xGrad">[rows, channels]; may be <paramref name="yGrad"/> when no weight or bias gradient is asked for.</param>
    /// <param name="weightGrad">[channels], added to; empty when frozen.</param>
    /// <param name="biasGrad">[channels], added to; empty when frozen.</param>
    /// <param name="accumulate">Add to xGrad instead of overwriting it (the residual path's gradient is already there).</param>
    public static void Backward(
        WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> yGrad, int rows, float epsilon,
        Span<float> xGrad, Span<float> weightGrad, Span<float> biasGrad, bool accumulate = false)
    {
        var channels = weight.Length;
        Shapes.Require(x.Length, rows, channels, nameof(x));
        Shapes.Require(yGrad.Length, rows, channels, nameof(yGrad));
        Shapes.Require(xGrad.Length, rows, channels, nameof(xGrad));
        var moments = Scratch.Get(ref t_moments, 2L * rows);
        fixed (float* px = x, pw = weight, pg = yGrad, pd = xGrad, pwg = weightGrad)
        {
            var input = new InputKernel
            {
                X = px,
                Weight = pw,
                YGrad = pg,
                XGrad = pd,
                Moments = moments,
                Rows = rows,
                Channels = channels,
                Epsilon = epsilon,
                Accumulate = accumulate,
            };
            Kernel.Run(pool, ref input, x.Length * 10L);
            if (!weightGrad.IsEmpty)
            {
                Shapes.Require(weightGrad.Length, 1, channels, nameof(weightGrad));
                var weights = new WeightKernel { X = px, YGrad = pg, Moments = moments, WeightGrad = pwg, Rows = rows, Channels = channels };
                Kernel.Run(pool, ref weights, x.Length * 3L);
            }
        }
        if (!biasGrad.IsEmpty)
            Vernier.Kernels.Bias.Gradient(pool, yGrad, rows, biasGrad);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float Mean, float Inverse) Moments<V>(float* x, int channels, float epsilon)
        where V : unmanaged, ILanes<V>
    {
        var mean = Reduce.Sum<V>(x, channels) / channels;
        return (mean, 1f / MathF.Sqrt(Reduce.SquaredDistance<V>(x, mean, channels) / channels + epsilon));
    }

    private struct ForwardKernel : IKernel
    {
        public float* X, Weight, Bias, Y;
        public int Rows, Channels;
        public float Epsilon;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Rows, worker, workers);
            for (var r = start; r < end; r++)
            {
                var x = X + (long)r * Channels;
                var y = Y + (long)r * Channels;
                var (mean, inverse) = Moments<V>(x, Channels, Epsilon);
                var (means, inverses) = (V.Create(mean), V.Create(inverse));
                var c = 0;
                for (; c <= Channels - V.Count; c += V.Count)
                    V.MultiplyAdd((V.Load(x + c) - means) * inverses, V.Load(Weight + c), V.Load(Bias + c)).Store(y + c);
                for (; c < Channels; c++)
                    y[c] = (x[c] - mean) * inverse * Weight[c] + Bias[c];
            }
        }
    }

    private struct InputKernel : IKernel
    {
        public float* X, Weight, YGrad, XGrad, Moments;
        public int Rows, Channels;
        public float Epsilon;
        public bool Accumulate;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Rows, worker, workers);
            for (var r = start; r < end; r++)
            {
                var x = X + (long)r * Channels;
                var g = YGrad + (long)r * Channels;
                var d = XGrad + (long)r * Channels;
                var (mean, inverse) = Moments<V>(x, Channels, Epsilon);
                (Moments[2 * r], Moments[2 * r + 1]) = (mean, inverse);
                // mean(g n) = r (mean(g x) - mean(x) mean(g)) would cancel where the mean is large: sum the centred product
                var meanGradient = Reduce.Dot<V>(g, Weight, Channels) / Channels;
                var meanProduct = CentredProduct<V>(g, x, mean) * inverse / Channels;
                var c = 0;
                for (; c <= Channels - V.Count; c += V.Count)
                {
                    var normal = (V.Load(x + c) - V.Create(mean)) * V.Create(inverse);
                    var gradient = V.Load(g + c) * V.Load(Weight + c) - V.Create(meanGradient);
                    gradient = V.MultiplyAdd(normal, V.Create(-meanProduct), gradient) * V.Create(inverse);
                    (Accumulate ? V.Load(d + c) + gradient : gradient).Store(d + c);
                }
                for (; c < Channels; c++)
                {
                    var gradient = (g[c] * Weight[c] - meanGradient - (x[c] - mean) * inverse * meanProduct) * inverse;
                    d[c] = Accumulate ? d[c] + gradient : gradient;
                }
            }
        }

        /// <summary>Σ g weight (x - mean).</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly float CentredProduct<V>(float* g, float* x, float mean)
            where V : unmanaged, ILanes<V>
        {
            var lanes = V.Create(0f);
            var c = 0;
            for (; c <= Channels - V.Count; c += V.Count)
                lanes = V.MultiplyAdd(V.Load(g + c) * V.Load(Weight + c), V.Load(x + c) - V.Create(mean), lanes);
            var sum = V.Sum(lanes);
            for (; c < Channels; c++)
                sum += g[c] * Weight[c] * (x[c] - mean);
            return sum;
        }
    }

    private struct WeightKernel : IKernel
    {
        public float* X, YGrad, Moments, WeightGrad;
        public int Rows, Channels;

        /// <summary>A worker owns a run of channels, so that the sums do not depend on the number of workers.</summary>
        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (c, end) = WorkSplit.Share(Channels, worker, workers, 16);
            for (; c <= end - V.Count; c += V.Count)
            {
                var sum = V.Create(0f);
                for (var r = 0; r < Rows; r++)
                {
                    var at = (long)r * Channels + c;
                    var normal = (V.Load(X + at) - V.Create(Moments[2 * r])) * V.Create(Moments[2 * r + 1]);
                    sum = V.MultiplyAdd(V.Load(YGrad + at), normal, sum);
                }
                (V.Load(WeightGrad + c) + sum).Store(WeightGrad + c);
            }
            for (; c < end; c++)
            {
                var sum = 0f;
                for (var r = 0; r < Rows; r++)
                    sum += YGrad[(long)r * Channels + c] * ((X[(long)r * Channels + c] - Moments[2 * r]) * Moments[2 * r + 1]);
                WeightGrad[c] += sum;
            }
        }
    }
}
