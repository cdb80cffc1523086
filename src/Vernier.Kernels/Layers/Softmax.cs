using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Probabilities of one row of logits, for sampling. Runs on the calling thread.</summary>
internal static unsafe class Softmax
{
    /// <summary>y = e^(x - max) / Σ e^(x - max). A logit of -∞ has probability 0; <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void Row(ReadOnlySpan<float> x, Span<float> y) => RowKernel.Run(x, y, logarithm: false);

    /// <summary>y = x - log Σ e^x. <paramref name="y"/> may be <paramref name="x"/>.</summary>
    public static void LogRow(ReadOnlySpan<float> x, Span<float> y) => RowKernel.Run(x, y, logarithm: true);

    /// <summary>The index of the largest element, the first on ties.</summary>
    public static int ArgMax(ReadOnlySpan<float> x)
    {
        if (x.IsEmpty)
            throw new ArgumentException("no elements", nameof(x));
        var best = 0;
        for (var i = 1; i < x.Length; i++)
            if (x[i] > x[best])
                best = i;
        return best;
    }

    /// <summary>The <paramref name="indices"/>.Length largest elements, largest first, the lower index first on ties.</summary>
    public static void TopK(ReadOnlySpan<float> x, Span<int> indices)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(indices.Length, x.Length);
        var count = 0;
        for (var i = 0; i < x.Length; i++)
        {
            if (count == indices.Length && (count == 0 || !(x[i] > x[indices[count - 1]])))
                continue;
            var at = count < indices.Length ? count++ : count - 1;
            for (; at > 0 && x[i] > x[indices[at - 1]]; at--)
                indices[at] = indices[at - 1];
            indices[at] = i;
        }
    }

    private struct RowKernel : IKernel
    {
        public float* X, Y;
        public int Length;
        public bool Logarithm;

        public static void Run(ReadOnlySpan<float> x, Span<float> y, bool logarithm)
        {
            Shapes.Require(y.Length, 1, x.Length, nameof(y));
            fixed (float* px = x, py = y)
            {
                var kernel = new RowKernel { X = px, Y = py, Length = x.Length, Logarithm = logarithm };
                Kernel.RunHere(ref kernel);
            }
        }

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var maximum = Reduce.Maximum<V>(X, Length);
            if (Logarithm)
            {
                var shift = maximum + (float)Math.Log(Reduce.ExpSum<V>(X, maximum, Length));
                for (var i = 0; i < Length; i++)
                    Y[i] = X[i] - shift;
                return;
            }
            var scale = (float)(1 / Reduce.ExpSum<V>(X, maximum, Length, Y));
            for (var i = 0; i < Length; i++)
                Y[i] *= scale;
        }
    }
}
