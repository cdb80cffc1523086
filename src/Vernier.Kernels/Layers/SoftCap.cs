using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>cap · tanh(x / cap): bounds scores and logits smoothly (Gemma 2, arXiv 2408.00118, section 2).</summary>
internal static unsafe class SoftCap
{
    /// <summary>In place, over rows of logits.</summary>
    /// <param name="cap">Above 0.</param>
    public static void Apply(WorkerPool pool, Span<float> x, float cap)
    {
        fixed (float* px = x)
        {
            var kernel = new CapKernel { X = px, Length = x.Length, Cap = cap };
            Kernel.Run(pool, ref kernel, x.Length * 16L);
        }
    }

    /// <summary>In place, for bodies of other kernels.</summary>
    [MethodImpl(Kernel.Body)]
    internal static void Row<V>(float* x, int count, float cap)
        where V : unmanaged, ILanes<V>
    {
        var i = 0;
        for (; i <= count - V.Count; i += V.Count)
            Value(V.Load(x + i), cap).Store(x + i);
        if (i < count)
            LaneMath.StorePartial(Value(LaneMath.LoadPartial<V>(x + i, count - i), cap), x + i, count - i);
    }

    /// <summary>The derivative by x where the capped value is y: 1 - (y / cap)². 0 where y is -∞, a score that is masked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Slope<V>(V y, float cap)
        where V : unmanaged, ILanes<V>
    {
        var t = V.Max(y, V.Create(-cap)) * V.Create(1f / cap);
        return V.Create(1f) - t * t;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Value<V>(V x, float cap)
        where V : unmanaged, ILanes<V> =>
        LaneMath.Tanh(x * V.Create(1f / cap)) * V.Create(cap);

    private struct CapKernel : IKernel
    {
        public float* X;
        public int Length;
        public float Cap;

        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Length, worker, workers, 64);
            Row<V>(X + start, end - start, Cap);
        }
    }
}
