namespace Vernier.Kernels.Tests;

public class RopeTests
{
    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void RotatesPairsByTheAngleOfTheirPosition(Tier tier) => OpTesting.At(tier, () =>
    {
        int[] positions = [0, 5, 1, 300, 5];
        foreach (var (heads, headDim, dim) in new[] { (2, 8, 8), (3, 64, 64), (1, 20, 12), (2, 128, 128), (2, 34, 2), (1, 70, 66) })
            foreach (var interleaved in new[] { false, true })
            {
                var factors = Array.ConvertAll(OpTesting.Normal(1, dim / 2), x => 1 + x * x);
                using var table = new RopeTable(500, dim, 2, factors, 1.25f);
                var x = OpTesting.Normal(2, positions.Length * heads * headDim);
                var y = new OpTesting.Guarded(x);
                Rope.Apply(OpTesting.Pool, positions, heads, headDim, table, interleaved, y.Span);
                OpTesting.Close(Rotated(x, positions, heads, headDim, dim, factors, interleaved), y.Span, 1e-6, 1e-6, "y");
                Rope.ApplyInverse(OpTesting.Pool, positions, heads, headDim, table, interleaved, y.Span);
                y.Check("rope");
                // cosines and sines carry the attention factor twice
                var back = OpTesting.Wide(x);
                for (var i = 0; i < back.Length; i++)
                    if (i % headDim < dim)
                        back[i] *= 1.25 * 1.25;
                OpTesting.Close(back, y.Span, 1e-6, 2e-6, "back");
            }
    });

    private static double[] Rotated(float[] x, int[] positions, int heads, int headDim, int dim, float[] factors, bool interleaved)
    {
        var y = OpTesting.Wide(x);
        for (var t = 0; t < positions.Length; t++)
            for (var h = 0; h < heads; h++)
                for (var j = 0; j < dim / 2; j++)
                {
                    var angle = positions[t] * Math.Pow(500, -2.0 * j / dim) / factors[j];
                    var (cos, sin) = (1.25 * Math.Cos(angle), 1.25 * Math.Sin(angle));
                    var at = (t * heads + h) * headDim;
                    var (p, q) = interleaved ? (at + 2 * j, at + 2 * j + 1) : (at + j, at + j + dim / 2);
                    (y[p], y[q]) = (x[p] * cos - x[q] * sin, x[q] * cos + x[p] * sin);
                }
        return y;
    }

    [Fact]
    public void GrowsWithoutChangingWhatItHas()
    {
        using var small = new RopeTable(10000, 16, 10);
        using var large = new RopeTable(10000, 16, 1000);
        var (x, y) = (OpTesting.Normal(1, 32), OpTesting.Normal(1, 32));
        Rope.Apply(OpTesting.Pool, [900, 3], 1, 16, small, false, x);
        Rope.Apply(OpTesting.Pool, [900, 3], 1, 16, large, false, y);
        Assert.Equal(y, x);
        Assert.InRange(small.Positions, 901, 2000);
    }

    [Fact]
    public void RefusesWhatCannotBeRotated()
    {
        Assert.Throws<ArgumentException>(() => new RopeTable(10000, 7, 1));
        Assert.Throws<ArgumentException>(() => new RopeTable(10000, 8, 1, new float[3]));
        using var table = new RopeTable(10000, 8, 1);
        Assert.Throws<ArgumentException>(() => Rope.Apply(OpTesting.Pool, [0], 1, 4, table, false, new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Rope.Apply(OpTesting.Pool, [-1], 1, 8, table, false, new float[8]));
    }
}
