using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The gated nonlinearity of Gemma: gelu(gate) * up with the tanh form of GELU (Shazeer, arXiv 2002.05202).</summary>
internal static class GeGluTanh
{
    /// <summary>y = act(gate) * up. All of one length; <paramref name="y"/> may be one of the inputs.</summary>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y) =>
        Elementwise.Run<ForwardOperation>(pool, gate, up, default, y, default);

    /// <summary>The gradients of both inputs from that of y. All of one length; outputs may be inputs.</summary>
    public static void Backward(WorkerPool pool, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> yGrad, Span<float> gateGrad, Span<float> upGrad) =>
        Elementwise.Run<BackwardOperation>(pool, gate, up, yGrad, gateGrad, upGrad);

    private readonly struct ForwardOperation : IElementOperation
    {
        public static int Inputs => 2;

        public static int Outputs => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V gate, V up, V unused, out V second)
            where V : unmanaged, ILanes<V>
        {
            second = default;
            return GeluTanh.Value(gate) * up;
        }
    }

    private readonly struct BackwardOperation : IElementOperation
    {
        public static int Inputs => 3;

        public static int Outputs => 2;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V gate, V up, V yGrad, out V upGrad)
            where V : unmanaged, ILanes<V>
        {
            upGrad = yGrad * GeluTanh.Value(gate);
            return yGrad * up * GeluTanh.Derivative(gate);
        }
    }
}
