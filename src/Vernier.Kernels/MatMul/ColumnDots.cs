using System.Numerics;

namespace Vernier.Kernels;

/// <summary>Sums over tokens, channel by channel: what the scale gradients of PEQA need beside the two products.
/// Bound by memory: each operand is read once.</summary>
internal static unsafe class ColumnDots
{
    /// <summary>destination [columns] += Σ_t a [t, column] · b [t, column].</summary>
    /// <param name="a">[rows, columns].</param>
    /// <param name="b">[rows, columns].</param>
    public static void Accumulate(WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int rows, int columns, Span<float> destination) =>
        Run(pool, a, b, rows, columns, [], destination);

    /// <summary>The same, and sum [rows, columns] += a on the way.</summary>
    /// <param name="sum">[rows, columns].</param>
    public static void AccumulateAndAdd(WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int rows, int columns, Span<float> sum, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sum.Length, checked(rows * columns), nameof(sum));
        Run(pool, a, b, rows, columns, sum, destination);
    }

    private static void Run(WorkerPool pool, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int rows, int columns, Span<float> sum, Span<float> destination)
    {
        var length = checked(rows * columns);
        ArgumentOutOfRangeException.ThrowIfLessThan(a.Length, length, nameof(a));
        ArgumentOutOfRangeException.ThrowIfLessThan(b.Length, length, nameof(b));
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, columns, nameof(destination));
        fixed (float* pa = a, pb = b, ps = sum, pd = destination)
        {
            var job = new Job { A = pa, B = pb, Sum = sum.IsEmpty ? null : ps, Destination = pd, Rows = rows, Columns = columns };
            pool.Run(ref job);
        }
    }

    private struct Job : IParallelJob
    {
        private const int Granule = 32; // columns: whole cache lines to each worker

        public float* A;
        public float* B;
        public float* Sum;
        public float* Destination;
        public int Rows;
        public int Columns;

        public readonly void Execute(int worker, int workers)
        {
            var granules = (Columns + Granule - 1) / Granule;
            var first = (int)((long)granules * worker / workers) * Granule;
            var last = Math.Min(Columns, (int)((long)granules * (worker + 1) / workers) * Granule);
            for (var row = 0; row < Rows; row++)
            {
                var offset = (long)row * Columns;
                Row(A + offset, B + offset, Sum is null ? null : Sum + offset, Destination, first, last);
            }
        }

        private static void Row(float* a, float* b, float* sum, float* destination, int first, int last)
        {
            var c = first;
            if (Vector.IsHardwareAccelerated)
                for (; c <= last - Vector<float>.Count; c += Vector<float>.Count)
                {
                    var value = Vector.Load(a + c);
                    Vector.FusedMultiplyAdd(value, Vector.Load(b + c), Vector.Load(destination + c)).Store(destination + c);
                    if (sum is not null)
                        (Vector.Load(sum + c) + value).Store(sum + c);
                }
            for (; c < last; c++)
            {
                destination[c] = MathF.FusedMultiplyAdd(a[c], b[c], destination[c]);
                if (sum is not null)
                    sum[c] += a[c];
            }
        }
    }
}
