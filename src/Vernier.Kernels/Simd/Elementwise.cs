using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>An operation on elements with up to three inputs and two outputs.</summary>
internal interface IElementOperation
{
    /// <summary>Inputs that are read, 1 to 3; the others are 0.</summary>
    static abstract int Inputs { get; }

    /// <summary>Outputs that are written, 1 or 2.</summary>
    static abstract int Outputs { get; }

    static abstract V Apply<V>(V a, V b, V c, out V second)
        where V : unmanaged, ILanes<V>;
}

/// <summary>The loop of every elementwise operation: parallel, with tails done by the same arithmetic as the rest,
/// so that an element's result does not depend on where it lies. Outputs may be inputs.</summary>
internal static unsafe class Elementwise
{
    public static void Run<TOperation>(
        WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, Span<float> first, Span<float> second)
        where TOperation : struct, IElementOperation
    {
        Require(a.Length, TOperation.Inputs > 1, b.Length, nameof(b));
        Require(a.Length, TOperation.Inputs > 2, c.Length, nameof(c));
        Require(a.Length, true, first.Length, nameof(first));
        Require(a.Length, TOperation.Outputs > 1, second.Length, nameof(second));
        fixed (float* pa = a, pb = b, pc = c, p1 = first, p2 = second)
        {
            var loop = new Loop<TOperation> { A = pa, B = pb, C = pc, First = p1, Second = p2, Length = a.Length };
            Kernel.Run(pool, ref loop, a.Length * 2L);
        }
    }

    private static void Require(int length, bool used, int actual, string name)
    {
        if (used && actual != length)
            throw new ArgumentException($"{actual} elements where the first input has {length}", name);
    }

    private struct Loop<TOperation> : IKernel
        where TOperation : struct, IElementOperation
    {
        public float* A, B, C, First, Second;
        public int Length;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Length, worker, workers, 64);
            var i = start;
            for (; i <= end - V.Count; i += V.Count)
            {
                var a = V.Load(A + i);
                var b = TOperation.Inputs > 1 ? V.Load(B + i) : default;
                var c = TOperation.Inputs > 2 ? V.Load(C + i) : default;
                TOperation.Apply(a, b, c, out var second).Store(First + i);
                if (TOperation.Outputs > 1)
                    second.Store(Second + i);
            }
            if (i < end)
            {
                var rest = end - i;
                var a = LaneMath.LoadPartial<V>(A + i, rest);
                var b = TOperation.Inputs > 1 ? LaneMath.LoadPartial<V>(B + i, rest) : default;
                var c = TOperation.Inputs > 2 ? LaneMath.LoadPartial<V>(C + i, rest) : default;
                LaneMath.StorePartial(TOperation.Apply(a, b, c, out var second), First + i, rest);
                if (TOperation.Outputs > 1)
                    LaneMath.StorePartial(second, Second + i, rest);
            }
        }
    }
}
