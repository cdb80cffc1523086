using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>y = a * b, element by element.</summary>
public static class ElementProduct
{
    /// <summary>All of one length; <paramref name="y"/> may be one of the inputs.</summary>
    public static void Forward(WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y) =>
        Elementwise.Run<Operation>(pool, a, b, default, y, default);

    private readonly struct Operation : IElementOperation
    {
        public static int Inputs => 2;

        public static int Outputs => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V a, V b, V unused, out V second)
            where V : unmanaged, ILanes<V>
        {
            second = default;
            return a * b;
        }
    }
}
