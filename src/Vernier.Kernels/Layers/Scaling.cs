using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Numbers times one factor: embeddings, branches and logits of families that scale them.</summary>
internal static unsafe class Scaling
{
    /// <summary>y = factor x, of one length; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Apply(WorkerPool pool, ReadOnlySpan<float> x, float factor, Span<float> y)
    {
        Shapes.Require(y.Length, 1, x.Length, nameof(y));
        fixed (float* px = x, py = y)
        {
            var kernel = new ScaleKernel { X = px, Y = py, Length = x.Length, Factor = factor };
            Kernel.Run(pool, ref kernel, x.Length * 2L);
        }
    }

    private struct ScaleKernel : IKernel
    {
        public float* X, Y;
        public int Length;
        public float Factor;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (i, end) = WorkSplit.Share(Length, worker, workers, 64);
            for (; i <= end - V.Count; i += V.Count)
                (V.Load(X + i) * V.Create(Factor)).Store(Y + i);
            for (; i < end; i++)
                Y[i] = X[i] * Factor;
        }
    }
}
