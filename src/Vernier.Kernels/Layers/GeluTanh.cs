using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>GELU by its tanh form: x/2 (1 + tanh u), u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel, arXiv 1606.08415). Computed as x · sigmoid(2u), which is the same and keeps the negative tail exact.</summary>
internal static class GeluTanh
{
    private const float Linear = 1.5957691216057308f; // 2 √(2/π)
    private const float Cubic = Linear * 0.044715f;

    /// <summary>y = act(x). Of one length; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> x, Span<float> y) =>
        Elementwise.Run<ForwardOperation>(pool, x, default, default, y, default);

    /// <summary>xGrad = yGrad * act'(x). All of one length; <paramref name="xGrad"/> may be an input.</summary>
    public static void Backward(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> yGrad, Span<float> xGrad) =>
        Elementwise.Run<BackwardOperation>(pool, x, yGrad, default, xGrad, default);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Value<V>(V x)
        where V : unmanaged, ILanes<V> =>
        x * LaneMath.Sigmoid(Twice(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Derivative<V>(V x)
        where V : unmanaged, ILanes<V>
    {
        var one = V.Create(1f);
        var sigmoid = LaneMath.Sigmoid(Twice(x));
        var slope = V.MultiplyAdd(x * x, V.Create(3f * Cubic), V.Create(Linear));
        return sigmoid * V.MultiplyAdd(x * slope, one - sigmoid, one);
    }

    /// <summary>2u.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Twice<V>(V x)
        where V : unmanaged, ILanes<V> =>
        x * V.MultiplyAdd(x * x, V.Create(Cubic), V.Create(Linear));

    private readonly struct ForwardOperation : IElementOperation
    {
        public static int Inputs => 1;

        public static int Outputs => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V x, V unused, V unusedToo, out V second)
            where V : unmanaged, ILanes<V>
        {
            second = default;
            return Value(x);
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
            return yGrad * Derivative(x);
        }
    }
}
