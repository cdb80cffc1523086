namespace Vernier.Kernels.Tests;

public class EmbeddingTests
{
    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void ScatterIsTheTransposeOfGather(Tier tier) => OpTesting.At(tier, () =>
    {
        int[] ids = [3, 0, 3, 6, 3];
        for (var channels = 1; channels <= 130; channels++)
        {
            using var table = new DenseMatrix(7, channels);
            OpTesting.Normal(1, 7 * channels).CopyTo(table.Values.Span);
            var y = new OpTesting.Guarded(ids.Length * channels);
            Embedding.Gather(table, ids, y.Span);
            var g = OpTesting.Normal(2, ids.Length * channels);
            var gradient = new OpTesting.Guarded(7 * channels);
            Embedding.Scatter(OpTesting.Pool, g, ids, channels, gradient.Span);
            y.Check("gather");
            gradient.Check("scatter");
            var expected = new double[7 * channels];
            for (var t = 0; t < ids.Length; t++)
                for (var c = 0; c < channels; c++)
                {
                    Assert.Equal(table.Row(ids[t])[c], y.Span[t * channels + c]);
                    expected[ids[t] * channels + c] += g[t * channels + c];
                }
            OpTesting.Close(expected, gradient.Span, 1e-6, 1e-6, "tableGrad");
        }
    });

    [Fact]
    public void RefusesIdsBeyondTheTable()
    {
        using var table = new DenseMatrix(3, 2);
        Assert.Throws<ArgumentOutOfRangeException>(() => Embedding.Gather(table, [0, 3], new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Embedding.Scatter(OpTesting.Pool, new float[2], [-1], 2, new float[6]));
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void BiasAndItsGradient(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var channels = 1; channels <= 130; channels++)
        {
            const int tokens = 5;
            var (x, bias) = (OpTesting.Normal(1, tokens * channels), OpTesting.Normal(2, channels));
            var (y, gradient) = (new OpTesting.Guarded(x), new OpTesting.Guarded(bias));
            Bias.Add(OpTesting.Pool, bias, tokens, y.Span);
            Bias.Gradient(OpTesting.Pool, x, tokens, gradient.Span);
            y.Check("bias");
            gradient.Check("bias gradient");
            for (var i = 0; i < x.Length; i++)
                Assert.Equal(x[i] + bias[i % channels], y.Span[i]);
            OpTesting.Close(
                Enumerable.Range(0, channels).Select(c => bias[c] + Enumerable.Range(0, tokens).Sum(t => (double)x[t * channels + c])).ToArray(),
                gradient.Span, 1e-6, 1e-6, "bias gradient");
            var sum = new OpTesting.Guarded(x);
            Residual.Add(OpTesting.Pool, y.Span, sum.Span);
            sum.Check("residual");
            for (var i = 0; i < x.Length; i++)
                Assert.Equal(x[i] + y.Span[i], sum.Span[i]);
        }
    });
}
