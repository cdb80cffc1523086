using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The norm of a gradient and the factor that clips it.</summary>
internal static unsafe class GradientNorm
{
    /// <summary>Elements that are summed in one run; runs are added in order, so that the sum does not depend on the number of workers.</summary>
    private const int Run = 65536;

    [ThreadStatic]
    private static NativeBuffer<float>? t_runs;

    /// <summary>Σ gradient², accumulated in double.</summary>
    public static double SumOfSquares(WorkerPool pool, ReadOnlySpan<float> gradient)
    {
        var runs = (int)(((long)gradient.Length + Run - 1) / Run);
        var sums = (double*)Scratch.Get(ref t_runs, 2L * runs);
        fixed (float* pg = gradient)
        {
            var kernel = new SumKernel { Gradient = pg, Sums = sums, Length = gradient.Length, Runs = runs };
            Kernel.Run(pool, ref kernel, gradient.Length);
        }
        var sum = 0.0;
        for (var r = 0; r < runs; r++)
            sum += sums[r];
        return sum;
    }

    /// <summary>The factor that brings a gradient of norm <paramref name="norm"/> to at most <paramref name="clip"/>, as
    /// torch.nn.utils.clip_grad_norm_ computes it; a clip of 0 or less means none.</summary>
    public static float ClipScale(double norm, double clip) => clip <= 0 ? 1f : (float)Math.Min(1, clip / (norm + 1e-6));

    private struct SumKernel : IKernel
    {
        public float* Gradient;
        public double* Sums;
        public int Length, Runs;

        /// <summary>Blocks of 64 are summed in float, the blocks in double.</summary>
        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Runs, worker, workers);
            for (var r = start; r < end; r++)
            {
                var sum = 0.0;
                var stop = Math.Min(Length, (r + 1L) * Run);
                for (var i = (long)r * Run; i < stop; i += 64)
                    sum += Reduce.Dot<V>(Gradient + i, Gradient + i, (int)Math.Min(64, stop - i));
                Sums[r] = sum;
            }
        }
    }
}
