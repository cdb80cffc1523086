namespace Vernier.Kernels.Tests;

public class NormTests
{
    private const float Epsilon = 1e-5f;

    private static double[] Rms(double[] x, double[] weight)
    {
        var y = new double[x.Length];
        for (var r = 0; r < x.Length; r += weight.Length)
        {
            var row = x.AsSpan(r, weight.Length).ToArray();
            var scale = 1 / Math.Sqrt(row.Sum(v => v * v) / row.Length + Epsilon);
            for (var c = 0; c < row.Length; c++)
                y[r + c] = row[c] * scale * weight[c];
        }
        return y;
    }

    private static double[] Layer(double[] x, double[] weight, double[] bias)
    {
        var y = new double[x.Length];
        for (var r = 0; r < x.Length; r += weight.Length)
        {
            var row = x.AsSpan(r, weight.Length).ToArray();
            var mean = row.Average();
            var scale = 1 / Math.Sqrt(row.Sum(v => (v - mean) * (v - mean)) / row.Length + Epsilon);
            for (var c = 0; c < row.Length; c++)
                y[r + c] = (row[c] - mean) * scale * weight[c] + bias[c];
        }
        return y;
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void RmsNormMatchesTheFormulaAndItsDifferences(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var channels = 1; channels <= 130; channels += channels < 40 ? 1 : 9)
        {
            const int rows = 3;
            var (x, weight, g) = (OpTesting.Normal(channels, rows * channels), OpTesting.Normal(1, channels), OpTesting.Normal(2, rows * channels));
            var (wideX, wideWeight, wideG) = (OpTesting.Wide(x), OpTesting.Wide(weight), OpTesting.Wide(g));
            var (y, dx, dw) = (new OpTesting.Guarded(x.Length), new OpTesting.Guarded(x.Length), new OpTesting.Guarded(channels));
            RmsNorm.Forward(OpTesting.Pool, x, weight, rows, Epsilon, y.Span);
            OpTesting.Close(Rms(wideX, wideWeight), y.Span, 1e-6, 1e-6, "y");
            RmsNorm.Backward(OpTesting.Pool, x, weight, g, rows, Epsilon, dx.Span, dw.Span);
            var expected = OpTesting.Differences(wideX, wideG, v => Rms(v, wideWeight));
            OpTesting.Close(expected, dx.Span, 1e-5, 1e-5, "xGrad");
            OpTesting.Close(OpTesting.Differences(wideWeight, wideG, v => Rms(wideX, v)), dw.Span, 1e-5, 1e-5, "weightGrad");
            RmsNorm.Backward(OpTesting.Pool, x, weight, g, rows, Epsilon, dx.Span, default, accumulate: true);
            OpTesting.Close(Array.ConvertAll(expected, v => 2 * v), dx.Span, 1e-5, 2e-5, "accumulated xGrad");
            foreach (var guarded in new[] { y, dx, dw })
                guarded.Check("RmsNorm");
        }
    });

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void LayerNormMatchesTheFormulaAndItsDifferences(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var channels = 2; channels <= 130; channels += channels < 40 ? 1 : 9)
        {
            const int rows = 3;
            var (x, weight, g) = (OpTesting.Normal(channels, rows * channels), OpTesting.Normal(1, channels), OpTesting.Normal(2, rows * channels));
            for (var i = 0; i < x.Length; i++)
                x[i] += 3; // a mean that is not 0
            var bias = OpTesting.Normal(3, channels);
            var (wideX, wideWeight, wideBias, wideG) = (OpTesting.Wide(x), OpTesting.Wide(weight), OpTesting.Wide(bias), OpTesting.Wide(g));
            var (y, dx) = (new OpTesting.Guarded(x.Length), new OpTesting.Guarded(x.Length));
            var (dw, db) = (new OpTesting.Guarded(channels), new OpTesting.Guarded(channels));
            LayerNorm.Forward(OpTesting.Pool, x, weight, bias, rows, Epsilon, y.Span);
            OpTesting.Close(Layer(wideX, wideWeight, wideBias), y.Span, 1e-5, 1e-5, "y");
            LayerNorm.Backward(OpTesting.Pool, x, weight, g, rows, Epsilon, dx.Span, dw.Span, db.Span);
            var expected = OpTesting.Differences(wideX, wideG, v => Layer(v, wideWeight, wideBias));
            // two channels make n = ±1 whatever x is: the gradient is a difference of equal terms, as large as 1 / deviation
            var scale = 1e-4 * Math.Max(1, expected.Max(Math.Abs));
            OpTesting.Close(expected, dx.Span, 1e-5, channels < 8 ? scale : 1e-5, "xGrad");
            OpTesting.Close(OpTesting.Differences(wideWeight, wideG, v => Layer(wideX, v, wideBias)), dw.Span, 1e-5, 2e-5, "weightGrad");
            OpTesting.Close(OpTesting.Differences(wideBias, wideG, v => Layer(wideX, wideWeight, v)), db.Span, 1e-5, 1e-5, "biasGrad");
            foreach (var guarded in new[] { y, dx, dw, db })
                guarded.Check("LayerNorm");
        }
    });

    [Fact]
    public void WeightGradientsDoNotDependOnTheNumberOfWorkers()
    {
        const int rows = 200, channels = 300;
        var (x, weight, g) = (OpTesting.Normal(1, rows * channels), OpTesting.Normal(2, channels), OpTesting.Normal(3, rows * channels));
        float[]? first = null;
        foreach (var threads in new[] { 1, 2, 5 })
        {
            using var pool = new WorkerPool(threads);
            var (dx, dw, db) = (new float[x.Length], new float[channels], new float[channels]);
            RmsNorm.Backward(pool, x, weight, g, rows, Epsilon, dx, dw);
            LayerNorm.Backward(pool, x, weight, g, rows, Epsilon, dx, dw, db);
            float[] all = [.. dx, .. dw, .. db];
            Assert.Equal(first ??= all, all);
        }
    }
}
