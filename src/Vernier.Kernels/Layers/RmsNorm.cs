using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>y = x / rms(x) * weight over each row, rms(x) = √(mean x² + ε) (Zhang and Sennrich, arXiv 1910.07467).
/// The norm over every head of q and k is the same with rows = tokens * heads and channels = head dimension.</summary>
internal static unsafe class RmsNorm
{
    [ThreadStatic]
    private static NativeBuffer<float>? t_inverses;

    /// <param name="x">[rows, channels].</param>
    /// <param name="weight">[channels].</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="y">[rows, channels]; may be <paramref name="x"/>.</param>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, int rows, float epsilon, Span<float> y)
    {
        Shapes.Require(x.Length, rows, weight.Length, nameof(x));
        Shapes.Require(y.Length, rows, weight.Length, nameof(y));
        fixed (float* px = x, pw = weight, py = y)
        {
            var kernel = new ForwardKernel { X = px, Weight = pw, Y = py, Rows = rows, Channels = weight.Length, Epsilon = epsilon };
            Kernel.Run(pool, ref kernel, x.Length * 4L);
        }
    }

    /// <summary>With r = 1 / rms(x) and g = yGrad * weight: xGrad = r (g - x r² mean(g x)), weightGrad += Σ yGrad x r. The rms is recomputed from x.</summary>
    /// <param name="x">[rows, channels], the input of Forward.</param>
    /// <param name="yGrad">[rows, channels].</param>
    /// <param name="xGrad">[rows, channels]; may be <paramref name="yGrad"/> when no weight gradient is asked for.</param>
    /// <param name="weightGrad">[channels], added to; empty when the weight is frozen.</param>
    /// <param name="accumulate">Add to xGrad instead of overwriting it (the residual path's gradient is already there).</param>
    public static void Backward(
        WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> weight, ReadOnlySpan<float> yGrad, int rows, float epsilon,
        Span<float> xGrad, Span<float> weightGrad, bool accumulate = false)
    {
        var channels = weight.Length;
        Shapes.Require(x.Length, rows, channels, nameof(x));
        Shapes.Require(yGrad.Length, rows, channels, nameof(yGrad));
        Shapes.Require(xGrad.Length, rows, channels, nameof(xGrad));
        if (!weightGrad.IsEmpty)
            Shapes.Require(weightGrad.Length, 1, channels, nameof(weightGrad));
        var inverses = Scratch.Get(ref t_inverses, rows);
        fixed (float* px = x, pw = weight, pg = yGrad, pd = xGrad, pwg = weightGrad)
        {
            var input = new InputKernel
            {
                X = px,
                Weight = pw,
                YGrad = pg,
                XGrad = pd,
                Inverses = inverses,
                Rows = rows,
                Channels = channels,
                Epsilon = epsilon,
                Accumulate = accumulate,
            };
            Kernel.Run(pool, ref input, x.Length * 8L);
            if (weightGrad.IsEmpty)
                return;
            var weights = new WeightKernel { X = px, YGrad = pg, Inverses = inverses, WeightGrad = pwg, Rows = rows, Channels = channels };
            Kernel.Run(pool, ref weights, x.Length * 2L);
        }
    }

    /// <summary>1 / rms of one row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Inverse<V>(float* x, int channels, float epsilon)
        where V : unmanaged, ILanes<V> =>
        1f / MathF.Sqrt(Reduce.Dot<V>(x, x, channels) / channels + epsilon);

    private struct ForwardKernel : IKernel
    {
        public float* X, Weight, Y;
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
                var inverse = Inverse<V>(x, Channels, Epsilon);
                var lanes = V.Create(inverse);
                var c = 0;
                for (; c <= Channels - V.Count; c += V.Count)
                    (V.Load(x + c) * lanes * V.Load(Weight + c)).Store(y + c);
                for (; c < Channels; c++)
                    y[c] = x[c] * inverse * Weight[c];
            }
        }
    }

    private struct InputKernel : IKernel
    {
        public float* X, Weight, YGrad, XGrad, Inverses;
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
                var inverse = Inverse<V>(x, Channels, Epsilon);
                Inverses[r] = inverse;
                var mean = Reduce.Dot<V>(g, Weight, x, Channels) / Channels * inverse * inverse * inverse;
                var (inverses, means) = (V.Create(inverse), V.Create(-mean));
                var c = 0;
                for (; c <= Channels - V.Count; c += V.Count)
                {
                    var gradient = V.MultiplyAdd(V.Load(x + c), means, V.Load(g + c) * V.Load(Weight + c) * inverses);
                    (Accumulate ? V.Load(d + c) + gradient : gradient).Store(d + c);
                }
                for (; c < Channels; c++)
                {
                    var gradient = g[c] * Weight[c] * inverse - x[c] * mean;
                    d[c] = Accumulate ? d[c] + gradient : gradient;
                }
            }
        }
    }

    private struct WeightKernel : IKernel
    {
        public float* X, YGrad, Inverses, WeightGrad;
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
                    sum = V.MultiplyAdd(V.Load(YGrad + at) * V.Create(Inverses[r]), V.Load(X + at), sum);
                }
                (V.Load(WeightGrad + c) + sum).Store(WeightGrad + c);
            }
            for (; c < end; c++)
            {
                var sum = 0f;
                for (var r = 0; r < Rows; r++)
                    sum += YGrad[(long)r * Channels + c] * Inverses[r] * X[(long)r * Channels + c];
                WeightGrad[c] += sum;
            }
        }
    }
}
