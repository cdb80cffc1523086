using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The gated nonlinearity of LLaMA: silu(gate) * up, silu(x) = x / (1 + e^-x) (Shazeer, arXiv 2002.05202).</summary>
internal static class SwiGlu
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
            return gate * LaneMath.Sigmoid(gate) * up;
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
            var one = V.Create(1f);
            var sigmoid = LaneMath.Sigmoid(gate);
            var silu = gate * sigmoid;
            upGrad = yGrad * silu;
            return yGrad * up * V.MultiplyAdd(silu, one - sigmoid, sigmoid);
        }
    }
}
