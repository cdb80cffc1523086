namespace Vernier.Kernels.Tests;

public class AdamWTests
{
    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void FollowsTheFormula(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var length = 0; length <= 130; length += 13)
        {
            var (value, first, second) = (new OpTesting.Guarded(OpTesting.Normal(1, length)), new OpTesting.Guarded(length), new OpTesting.Guarded(length));
            var (p, m, v) = (OpTesting.Wide(value.Span), new double[length], new double[length]);
            var settings = new AdamWSettings(0.8, 0.95, 1e-6);
            for (var step = 1; step <= 20; step++)
            {
                var g = OpTesting.Normal(step, length);
                AdamW.Step(OpTesting.Pool, g, settings, 0.01, 0.1, step, 0.5f, first.Span, second.Span, value.Span);
                for (var i = 0; i < length; i++)
                {
                    p[i] *= 1 - 0.01 * 0.1;
                    m[i] = 0.8 * m[i] + 0.2 * 0.5 * g[i];
                    v[i] = 0.95 * v[i] + 0.05 * 0.25 * g[i] * g[i];
                    p[i] -= 0.01 * (m[i] / (1 - Math.Pow(0.8, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-6);
                }
            }
            OpTesting.Close(p, value.Span, 2e-6, 2e-6, "value");
            OpTesting.Close(m, first.Span, 2e-6, 1e-6, "first moment");
            OpTesting.Close(v, second.Span, 2e-6, 1e-7, "second moment");
            foreach (var guarded in new[] { value, first, second })
                guarded.Check("AdamW");
        }
    });

    [Fact]
    public void TheNormIsExactAndDoesNotDependOnTheNumberOfWorkers()
    {
        var g = OpTesting.Normal(1, 300_001);
        var expected = g.Sum(x => (double)x * x);
        double? first = null;
        foreach (var threads in new[] { 1, 2, 5 })
        {
            using var pool = new WorkerPool(threads);
            var sum = GradientNorm.SumOfSquares(pool, g);
            Assert.Equal(expected, sum, expected * 1e-7);
            Assert.Equal(first ??= sum, sum);
        }
        Assert.Equal(1f, GradientNorm.ClipScale(0.5, 1));
        Assert.Equal(1f, GradientNorm.ClipScale(5, 0));
        Assert.Equal(0.25, GradientNorm.ClipScale(4, 1), 1e-6);
    }
}
