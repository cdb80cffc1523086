using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>GELU by the normal distribution function: x Φ(x) (Hendrycks and Gimpel, arXiv 1606.08415).</summary>
internal static class GeluErf
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
            return x * LaneMath.NormalDistribution(x, out _);
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
            var distribution = LaneMath.NormalDistribution(x, out var density);
            return yGrad * V.MultiplyAdd(x, density, distribution);
        }
    }
}
