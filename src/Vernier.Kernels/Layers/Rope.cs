using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Rotary positions, in place: each pair of channels of a head turns by an angle that grows with the position.</summary>
internal static unsafe class Rope
{
    /// <param name="positions">[tokens], 0 or more, in any order; the table grows when it must.</param>
    /// <param name="table">Its Dim is at most <paramref name="headDim"/>; channels from Dim on stay.</param>
    /// <param name="interleaved">Pairs are (2j, 2j + 1) instead of (j, j + Dim / 2).</param>
    /// <param name="x">[tokens, heads * headDim].</param>
    public static void Apply(WorkerPool pool, ReadOnlySpan<int> positions, int heads, int headDim, RopeTable table, bool interleaved, Span<float> x) =>
        Rotate(pool, positions, heads, headDim, table, interleaved, 1f, x);

    /// <summary>The rotation back, which is also the gradient: xGrad from that of the rotated x.</summary>
    /// <inheritdoc cref="Apply"/>
    public static void ApplyInverse(WorkerPool pool, ReadOnlySpan<int> positions, int heads, int headDim, RopeTable table, bool interleaved, Span<float> x) =>
        Rotate(pool, positions, heads, headDim, table, interleaved, -1f, x);

    private static void Rotate(WorkerPool pool, ReadOnlySpan<int> positions, int heads, int headDim, RopeTable table, bool interleaved, float sign, Span<float> x)
    {
        Shapes.Require(x.Length, positions.Length, checked(heads * headDim), nameof(x));
        if (table.Dim > headDim)
            throw new ArgumentException($"{table.Dim} rotary channels in a head of {headDim}", nameof(table));
        var last = -1;
        foreach (var position in positions)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(position, table.First, nameof(positions));
            last = Math.Max(last, position);
        }
        table.Reserve(last + 1);
        fixed (int* pp = positions)
        fixed (float* px = x)
        {
            var kernel = new RotateKernel
            {
                Positions = pp,
                Table = table.Pointer,
                X = px,
                Tokens = positions.Length,
                Heads = heads,
                HeadDim = headDim,
                Dim = table.Dim,
                Sign = sign,
                Interleaved = interleaved,
            };
            Kernel.Run(pool, ref kernel, x.Length * 3L);
        }
    }

    private struct RotateKernel : IKernel
    {
        public int* Positions;
        public float* Table, X;
        public int Tokens, Heads, HeadDim, Dim;
        public float Sign;
        public bool Interleaved;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Tokens, worker, workers);
            var half = Dim / 2;
            for (var t = start; t < end; t++)
            {
                var cos = Table + (long)Positions[t] * Dim;
                var sin = cos + half;
                for (var h = 0; h < Heads; h++)
                {
                    var x = X + ((long)t * Heads + h) * HeadDim;
                    var j = 0;
                    if (!Interleaved)
                        for (; j <= half - V.Count; j += V.Count)
                        {
                            var (a, b) = (V.Load(x + j), V.Load(x + half + j));
                            var (c, s) = (V.Load(cos + j), V.Load(sin + j) * V.Create(Sign));
                            (a * c - b * s).Store(x + j);
                            (b * c + a * s).Store(x + half + j);
                        }
                    var (first, second, step) = Interleaved ? (0, 1, 2) : (0, half, 1);
                    for (; j < half; j++)
                    {
                        var (p, q) = (first + j * step, second + j * step);
                        var (a, b) = (x[p], x[q]);
                        var (c, s) = (cos[j], sin[j] * Sign);
                        (x[p], x[q]) = (a * c - b * s, b * c + a * s);
                    }
                }
            }
        }
    }
}
