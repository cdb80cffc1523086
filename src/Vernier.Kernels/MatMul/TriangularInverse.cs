using System.Numerics;

namespace Vernier.Kernels;

/// <summary>Factors a symmetric positive definite matrix H for the column-by-column error correction of GPTQ: the upper U with H⁻¹ = Uᵀ U,
/// without forming H⁻¹. With H = R Rᵀ, R upper, it is U = R⁻¹. In double, by rows, so that every inner loop runs over consecutive memory.</summary>
internal static unsafe class TriangularInverse
{
    /// <summary>Overwrites H [n, n] by U (the strict lower triangle becomes 0).</summary>
    /// <exception cref="ArithmeticException">H is not positive definite.</exception>
    public static void Factor(WorkerPool pool, NativeBuffer<double> matrix, int n)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        if (matrix.Length != (long)n * n)
            throw new ArgumentException($"{matrix.Length} elements for a matrix of {n} x {n}", nameof(matrix));
        using var inverse = new NativeBuffer<double>((long)n * n);
        var h = matrix.Pointer;
        for (var j = n - 1; j >= 0; j--)
        {
            var row = h + (long)j * n;
            var pivot = row[j] - Dot(row + j + 1, row + j + 1, n - 1 - j);
            if (!(pivot > 0) || !double.IsFinite(pivot))
                throw new ArithmeticException($"the matrix is not positive definite: pivot {j} of {n} is {pivot:g3}");
            row[j] = Math.Sqrt(pivot);
            var column = new ColumnJob { H = h, N = n, J = j };
            if ((long)j * (n - j) < 1 << 15)
                column.Execute(0, 1);
            else
                pool.Run(ref column);
        }
        var invert = new InverseJob { R = h, U = inverse.Pointer, N = n, Cancel = pool.Cancellation };
        pool.Run(ref invert);
        for (var i = 0; i < n; i++)
            inverse.Slice((long)i * n, n).CopyTo(matrix.Slice((long)i * n, n));
    }

    private static double Dot(double* a, double* b, int length)
    {
        var (sum, i) = (0.0, 0);
        if (Vector.IsHardwareAccelerated)
        {
            var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
            for (; i <= length - 2 * Vector<double>.Count; i += 2 * Vector<double>.Count)
            {
                even = Vector.FusedMultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), even);
                odd = Vector.FusedMultiplyAdd(Vector.Load(a + i + Vector<double>.Count), Vector.Load(b + i + Vector<double>.Count), odd);
            }
            sum = Vector.Sum(even + odd);
        }
        for (; i < length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    // R_ij = (H_ij - Σ_{k>j} R_ik R_jk) / R_jj for all i < j.
    private struct ColumnJob : IParallelJob
    {
        public double* H;
        public int N;
        public int J;

        public readonly void Execute(int worker, int workers)
        {
            var pivot = H + (long)J * N;
            var last = (int)((long)J * (worker + 1) / workers);
            for (var i = (int)((long)J * worker / workers); i < last; i++)
            {
                var row = H + (long)i * N;
                row[J] = (row[J] - Dot(row + J + 1, pivot + J + 1, N - 1 - J)) / pivot[J];
            }
        }
    }

    // U_ij = -(Σ_{i<k≤j} R_ik U_kj) / R_ii, U_ii = 1 / R_ii. Columns are independent: each worker takes every workers-th strip of them.
    private struct InverseJob : IParallelJob
    {
        private const int Strip = 64;

        public double* R;
        public double* U;
        public int N;
        public CancellationToken Cancel;

        public readonly void Execute(int worker, int workers)
        {
            for (var first = worker * Strip; first < N; first += workers * Strip)
            {
                Cancel.ThrowIfCancellationRequested();
                var last = Math.Min(N, first + Strip);
                for (var i = last - 1; i >= 0; i--)
                    Row(i, first, last);
            }
        }

        private readonly void Row(int i, int first, int last)
        {
            var target = U + (long)i * N;
            var r = R + (long)i * N;
            for (var k = i + 1; k < last; k++)
                Subtract(U + (long)k * N, r[k], target, Math.Max(first, k / Strip * Strip), last);
            var start = Math.Max(first, i + 1);
            for (var j = start; j < last; j++)
                target[j] /= r[i];
            if (i >= first)
                target[i] = 1 / r[i];
        }

        private static void Subtract(double* from, double factor, double* to, int first, int last)
        {
            var j = first;
            if (Vector.IsHardwareAccelerated)
            {
                var f = new Vector<double>(-factor);
                for (; j <= last - Vector<double>.Count; j += Vector<double>.Count)
                    Vector.FusedMultiplyAdd(Vector.Load(from + j), f, Vector.Load(to + j)).Store(to + j);
            }
            for (; j < last; j++)
                to[j] -= factor * from[j];
        }
    }
}
