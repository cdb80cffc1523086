using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>A bias that is added to every token.</summary>
internal static unsafe class Bias
{
    /// <summary>y [tokens, channels] += bias [channels].</summary>
    public static void Add(WorkerPool pool, ReadOnlySpan<float> bias, int tokens, Span<float> y)
    {
        Shapes.Require(y.Length, tokens, bias.Length, nameof(y));
        fixed (float* pb = bias, py = y)
        {
            var kernel = new AddKernel { Bias = pb, Y = py, Tokens = tokens, Channels = bias.Length };
            Kernel.Run(pool, ref kernel, y.Length * 2L);
        }
    }

    /// <summary>biasGrad [channels] += the sum of yGrad [tokens, channels] over tokens.</summary>
    public static void Gradient(WorkerPool pool, ReadOnlySpan<float> yGrad, int tokens, Span<float> biasGrad)
    {
        Shapes.Require(yGrad.Length, tokens, biasGrad.Length, nameof(yGrad));
        fixed (float* pg = yGrad, pb = biasGrad)
        {
            var kernel = new GradientKernel { YGrad = pg, BiasGrad = pb, Tokens = tokens, Channels = biasGrad.Length };
            Kernel.Run(pool, ref kernel, yGrad.Length * 2L);
        }
    }

    private struct AddKernel : IKernel
    {
        public float* Bias, Y;
        public int Tokens, Channels;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Tokens, worker, workers);
            for (var t = start; t < end; t++)
            {
                var row = Y + (long)t * Channels;
                var c = 0;
                for (; c <= Channels - V.Count; c += V.Count)
                    (V.Load(row + c) + V.Load(Bias + c)).Store(row + c);
                for (; c < Channels; c++)
                    row[c] += Bias[c];
            }
        }
    }

    private struct GradientKernel : IKernel
    {
        public float* YGrad, BiasGrad;
        public int Tokens, Channels;

        /// <summary>A worker owns a run of channels, so that the sums do not depend on the number of workers.</summary>
        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (c, end) = WorkSplit.Share(Channels, worker, workers, 16);
            for (; c <= end - V.Count; c += V.Count)
            {
                var sum = V.Create(0f);
                for (var t = 0; t < Tokens; t++)
                    sum += V.Load(YGrad + (long)t * Channels + c);
                (V.Load(BiasGrad + c) + sum).Store(BiasGrad + c);
            }
            for (; c < end; c++)
            {
                var sum = 0f;
                for (var t = 0; t < Tokens; t++)
                    sum += YGrad[(long)t * Channels + c];
                BiasGrad[c] += sum;
            }
        }
    }
}
