namespace Vernier.Kernels.Tests;

/// <summary>The reductions of the tuning methods at every length around a vector.</summary>
public class TuningKernelTests
{
    [Fact]
    public void ColumnDotsAtEveryWidth()
    {
        using var one = new WorkerPool(1);
        using var three = new WorkerPool(3);
        for (var columns = 1; columns <= 140; columns++)
        {
            const int Rows = 5;
            var (a, b, sum) = (Matrices.Values(Rows * columns, 1), Matrices.Values(Rows * columns, 2), Matrices.Values(Rows * columns, 3));
            foreach (var pool in new[] { one, three })
            {
                var dots = Matrices.Poisoned(new float[columns], to => ColumnDots.Accumulate(pool, a, b, Rows, columns, to));
                var added = (float[])sum.Clone();
                var again = new float[columns];
                ColumnDots.AccumulateAndAdd(pool, a, b, Rows, columns, added, again);
                Assert.Equal(dots, again);
                for (var c = 0; c < columns; c++)
                {
                    var (expected, magnitude) = (0.0, 0.0);
                    for (var r = 0; r < Rows; r++)
                    {
                        expected += (double)a[r * columns + c] * b[r * columns + c];
                        magnitude += Math.Abs((double)a[r * columns + c] * b[r * columns + c]);
                    }
                    Assert.Equal(expected, dots[c], 1e-6 * magnitude);
                }
                for (var i = 0; i < added.Length; i++)
                    Assert.Equal(sum[i] + a[i], added[i]);
            }
        }
    }

    [Fact]
    public void PoolsAndDotsOfGroups()
    {
        foreach (var (columns, group) in new[] { (1, 1), (7, 3), (64, 16), (65, 16), (40, 64), (100, 33) })
        {
            var groups = (columns + group - 1) / group;
            var (x, y) = (Matrices.Values(2 * columns, 4), Matrices.Values(2 * columns, 5));
            var pooled = new float[2 * groups];
            GroupSums.Pool(x, 2, columns, group, pooled);
            var dots = new float[groups];
            for (var start = 0; start < columns; start += 5) // runs that start and end anywhere
            {
                var length = Math.Min(5, columns - start);
                GroupSums.AccumulateDots(x.AsSpan(start, length), y.AsSpan(start, length), start, group, dots);
            }
            for (var g = 0; g < groups; g++)
            {
                var members = Enumerable.Range(g * group, Math.Min(group, columns - g * group)).ToArray();
                Assert.Equal(members.Sum(j => (double)x[columns + j]), pooled[groups + g], 1e-5);
                Assert.Equal(members.Sum(j => (double)x[j] * y[j]), dots[g], 1e-5);
            }
        }
    }

    [Fact]
    public void FakeQuantizationAtEveryLength()
    {
        for (var length = 1; length <= 70; length++)
        {
            var (w, g) = (Matrices.Values(length, 6), Matrices.Values(length, 7));
            const float Scale = 0.11f, Offset = 0.03f, Low = -4, High = 3;
            var rounded = Matrices.Poisoned(w, to => FakeQuantize.Apply(to, Scale, Offset, Low, High));
            var masked = (float[])g.Clone();
            var (scaleGrad, offsetGrad) = FakeQuantize.Gradient(w, masked, Scale, Offset, Low, High);
            var (scaleSum, offsetSum) = (0.0, 0.0);
            for (var i = 0; i < length; i++)
            {
                var v = (w[i] - Offset) / Scale;
                var code = FakeQuantize.Code(w[i], Scale, Offset, Low, High);
                var inside = v is >= Low and <= High;
                Assert.Equal(code * Scale + Offset, rounded[i], 1e-6f);
                Assert.Equal(inside ? g[i] : 0, masked[i]);
                scaleSum += g[i] * (inside ? code - v : code);
                offsetSum += inside ? 0 : g[i];
            }
            Assert.Equal(scaleSum, scaleGrad, 1e-4);
            Assert.Equal(offsetSum, offsetGrad, 1e-4);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(65)]
    [InlineData(200)]
    public void InverseFactorGivesTheInverse(int n)
    {
        using var pool = new WorkerPool(3);
        var random = new Random(n);
        var h = new double[n * n];
        for (var k = 0; k < n + 5; k++)
        {
            var x = Enumerable.Range(0, n).Select(_ => random.NextDouble() - 0.5).ToArray();
            for (var i = 0; i < n; i++)
                for (var j = 0; j < n; j++)
                    h[i * n + j] += x[i] * x[j] + (i == j ? 0.1 : 0);
        }
        using var factor = new NativeBuffer<double>(n * n);
        h.CopyTo(factor.Span);
        TriangularInverse.Factor(pool, factor, n);
        var u = factor.Span.ToArray();
        for (var i = 0; i < n; i += Math.Max(1, n / 13)) // rows of Uᵀ U H
        {
            var inverse = new double[n];
            for (var j = 0; j < n; j++)
                for (var k = 0; k <= Math.Min(i, j); k++)
                    inverse[j] += u[k * n + i] * u[k * n + j];
            for (var c = 0; c < n; c++)
            {
                var sum = 0.0;
                for (var j = 0; j < n; j++)
                    sum += inverse[j] * h[j * n + c];
                Assert.Equal(c == i ? 1 : 0, sum, 1e-9);
            }
        }
        factor.Span.Clear();
        Assert.Throws<ArithmeticException>(() => TriangularInverse.Factor(pool, factor, n));
    }
}
