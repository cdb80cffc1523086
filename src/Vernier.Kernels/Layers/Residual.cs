using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The residual sum of a block.</summary>
internal static class Residual
{
    /// <summary>sum += x, of one length.</summary>
    public static void Add(WorkerPool pool, ReadOnlySpan<float> x, Span<float> sum) => Add(pool, x, sum, sum);

    /// <summary>y = a + b, all of one length; <paramref name="y"/> may be an input.</summary>
    public static void Add(WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> y) =>
        Elementwise.Run<AddOperation>(pool, a, b, default, y, default);

    private readonly struct AddOperation : IElementOperation
    {
        public static int Inputs => 2;

        public static int Outputs => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static V Apply<V>(V a, V b, V unused, out V second)
            where V : unmanaged, ILanes<V>
        {
            second = default;
            return a + b;
        }
    }
}
