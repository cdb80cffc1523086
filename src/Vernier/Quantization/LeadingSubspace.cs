using System.Numerics;

namespace Vernier.Quantization;

/// <summary>The best approximation of a matrix by one of low rank, from the leading eigenvectors of its Gram matrix by subspace iteration, in double.</summary>
internal static class LeadingSubspace
{
    private const int Extra = 8; // directions beyond the rank, which speed the convergence of those that count
    private const int MostIterations = 400;
    private const double Tolerance = 1e-12;

    /// <summary>matrix [rows, columns] ≈ left [rows, rank] · right [rank, columns], singular values split evenly over both.</summary>
    public static (double[] Left, double[] Right) Factor(double[] matrix, int rows, int columns, int rank)
    {
        if (rows <= columns)
            return FactorWide(matrix, rows, columns, rank);
        var (right, left) = FactorWide(Transposed(matrix, rows, columns), columns, rows, rank);
        return (Transposed(left, rank, rows), Transposed(right, columns, rank));
    }

    private static (double[] Left, double[] Right) FactorWide(double[] matrix, int rows, int columns, int rank)
    {
        var gram = new double[rows * rows];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j <= i; j++)
                gram[i * rows + j] = gram[j * rows + i] = Dot(matrix.AsSpan(i * columns, columns), matrix.AsSpan(j * columns, columns));
        var vectors = LeadingEigenvectors(gram, rows, Math.Min(rank, rows));
        var (left, right) = (new double[rows * rank], new double[rank * columns]);
        for (var k = 0; k < Math.Min(rank, rows); k++)
        {
            var u = vectors.AsSpan(k * rows, rows);
            var line = right.AsSpan(k * columns, columns);
            for (var i = 0; i < rows; i++)
                AddScaled(matrix.AsSpan(i * columns, columns), u[i], line);
            var root = Math.Sqrt(Math.Sqrt(Dot(line, line)));
            if (root == 0)
                continue;
            for (var i = 0; i < rows; i++)
                left[i * rank + k] = u[i] * root;
            foreach (ref var v in line)
                v /= root;
        }
        return (left, right);
    }

    // [count, n], one eigenvector a row, by falling eigenvalue.
    private static double[] LeadingEigenvectors(double[] gram, int n, int count)
    {
        var width = Math.Min(n, count + Extra);
        var random = new Random(1);
        var q = new double[width * n];
        foreach (ref var v in q.AsSpan())
            v = random.NextDouble() - 0.5;
        var image = new double[width * n];
        for (var iteration = 0; iteration < MostIterations; iteration++)
        {
            Orthonormalise(q, width, n);
            for (var k = 0; k < width; k++)
                for (var i = 0; i < n; i++)
                    image[k * n + i] = Dot(gram.AsSpan(i * n, n), q.AsSpan(k * n, n));
            var values = Rotate(q, image, width, n);
            if (Residual(q, image, values, count, n) <= Tolerance * Math.Abs(values[0]))
                break;
            (q, image) = (image, q);
        }
        return q;
    }

    // Rayleigh-Ritz: turns q and image to the eigenvectors of q gram qᵀ. Returns the eigenvalues, falling.
    private static double[] Rotate(double[] q, double[] image, int width, int n)
    {
        var small = new double[width * width];
        for (var a = 0; a < width; a++)
            for (var b = 0; b < width; b++)
                small[a * width + b] = Dot(q.AsSpan(a * n, n), image.AsSpan(b * n, n));
        var turn = Jacobi(small, width);
        var order = Enumerable.Range(0, width).OrderByDescending(k => small[k * width + k]).ToArray();
        Apply(q);
        Apply(image);
        return Array.ConvertAll(order, k => small[k * width + k]);

        void Apply(double[] rows)
        {
            var old = (double[])rows.Clone();
            Array.Clear(rows);
            for (var k = 0; k < width; k++)
                for (var a = 0; a < width; a++)
                    AddScaled(old.AsSpan(a * n, n), turn[a * width + order[k]], rows.AsSpan(k * n, n));
        }
    }

    private static double Residual(double[] q, double[] image, double[] values, int count, int n)
    {
        var worst = 0.0;
        for (var k = 0; k < count; k++)
        {
            var sum = 0.0;
            for (var i = 0; i < n; i++)
            {
                var r = image[k * n + i] - values[k] * q[k * n + i];
                sum += r * r;
            }
            worst = Math.Max(worst, Math.Sqrt(sum));
        }
        return worst;
    }

    private static void Orthonormalise(double[] q, int width, int n)
    {
        for (var k = 0; k < width; k++)
        {
            var row = q.AsSpan(k * n, n);
            for (var pass = 0; pass < 2; pass++)
                for (var a = 0; a < k; a++)
                    AddScaled(q.AsSpan(a * n, n), -Dot(row, q.AsSpan(a * n, n)), row);
            var norm = Math.Sqrt(Dot(row, row));
            foreach (ref var v in row)
                v = norm == 0 ? 0 : v / norm;
        }
    }

    // Diagonalises a small symmetric matrix in place; returns the eigenvectors as columns.
    private static double[] Jacobi(double[] a, int n)
    {
        var v = new double[n * n];
        for (var i = 0; i < n; i++)
            v[i * n + i] = 1;
        for (var sweep = 0; sweep < 30; sweep++)
        {
            var off = 0.0;
            for (var p = 0; p < n; p++)
                for (var q = p + 1; q < n; q++)
                {
                    off += a[p * n + q] * a[p * n + q];
                    if (a[p * n + q] != 0)
                        Turn(a, v, n, p, q);
                }
            if (off == 0)
                break;
        }
        return v;
    }

    private static void Turn(double[] a, double[] v, int n, int p, int q)
    {
        var theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        var t = (theta >= 0 ? 1 : -1) / (Math.Abs(theta) + Math.Sqrt(theta * theta + 1));
        var c = 1 / Math.Sqrt(t * t + 1);
        var s = t * c;
        for (var k = 0; k < n; k++)
        {
            var (x, y) = (a[k * n + p], a[k * n + q]);
            (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
        }
        for (var k = 0; k < n; k++)
        {
            var (x, y) = (a[p * n + k], a[q * n + k]);
            (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
            (x, y) = (v[k * n + p], v[k * n + q]);
            (v[k * n + p], v[k * n + q]) = (c * x - s * y, s * x + c * y);
        }
        a[p * n + q] = a[q * n + p] = 0;
    }

    private static double[] Transposed(double[] matrix, int rows, int columns)
    {
        var result = new double[matrix.Length];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++)
                result[j * rows + i] = matrix[i * columns + j];
        return result;
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var (sum, i) = (0.0, 0);
        if (Vector.IsHardwareAccelerated)
        {
            var sums = Vector<double>.Zero;
            for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count)
                sums = Vector.FusedMultiplyAdd(new Vector<double>(a[i..]), new Vector<double>(b[i..]), sums);
            sum = Vector.Sum(sums);
        }
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void AddScaled(ReadOnlySpan<double> x, double factor, Span<double> y)
    {
        for (var i = 0; i < x.Length; i++)
            y[i] += factor * x[i];
    }
}
