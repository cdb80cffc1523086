using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>max(x, 0); the derivative at 0 is 0.</summary>
internal static class Relu
{
    /// <summary>y = act(x). Of one length; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> x, Span<float> y) =>
        Elementwise.Run<ForwardOperation>(pool, x, default, default, y, default);

    /// <summary>xGrad = yGrad * act'(x). All of one length; <paramref name="xGrad"/> may be an input.</summary>
    public static void Backward(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> yGrad, Span<float> xGrad) =>
        Elementwise.Run<BackwardOperation>(pool, x, yGrad, default, xGrad, default);

    private readonly struct ForwardOperation : IElementOperation
    {
        public static int Inputs => 1;

        public static int Outputs => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V x, V unused, V unusedToo, out V second)
            where V : unmanaged, ILanes<V>
        {
            second = default;
            return V.Max(V.Create(0f), x);
        }
    }

    private readonly struct BackwardOperation : IElementOperation
    {
        public static int Inputs => 2;

        public static int Outputs => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V x, V yGrad, V unused, out V second)
            where V : unmanaged, ILanes<V>
        {
            second = default;
            return V.IfLess(V.Create(0f), x, yGrad, V.Create(0f));
        }
    }
}
