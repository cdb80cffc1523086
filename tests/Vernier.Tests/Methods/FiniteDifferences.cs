using Vernier.Models;

namespace Vernier.Tests.Methods;

/// <summary>Judges a linear's fp32 gradients by central differences of L = Σ dY ∘ (X Ŵᵀ) in double.</summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-5;

    /// <param name="effective">Ŵ [out, in] from the parameters' values, in double.</param>
    public static void Check(Linear linear, Compute compute, Random random, int tokens, Func<double[][], double[]> effective)
    {
        var x = LinearRun.Random(random, tokens * linear.InFeatures);
        var dy = LinearRun.Random(random, tokens * linear.OutFeatures);
        var (y, dx) = LinearRun.ForwardBackward(linear, compute, x, dy, tokens);
        var values = linear.Parameters.Select(p => Array.ConvertAll(p.Value.Span.ToArray(), v => (double)v)).ToArray();
        var w = effective(values);
        CheckProducts(linear, x, dy, y, dx, tokens, w);

        for (var p = 0; p < values.Length; p++)
        {
            var expected = new double[values[p].Length];
            for (var i = 0; i < expected.Length; i++)
            {
                var v = values[p][i];
                values[p][i] = v + Step;
                var above = Loss(x, dy, tokens, effective(values), linear.InFeatures, linear.OutFeatures);
                values[p][i] = v - Step;
                var below = Loss(x, dy, tokens, effective(values), linear.InFeatures, linear.OutFeatures);
                values[p][i] = v;
                expected[i] = (above - below) / (2 * Step);
            }
            Goldens.MethodCase.AssertClose(expected, linear.Parameters[p].Gradient.Span, 1e-5, linear.Parameters[p].Name);
        }
        CheckAccumulation(linear, compute, x, y, dy, dx, tokens);
    }

    private static void CheckProducts(Linear linear, float[] x, float[] dy, float[] y, float[] dx, int tokens, double[] w)
    {
        var (n, k) = (linear.OutFeatures, linear.InFeatures);
        var expectedY = new double[tokens * n];
        var expectedDx = new double[tokens * k];
        for (var t = 0; t < tokens; t++)
            for (var i = 0; i < n; i++)
                for (var j = 0; j < k; j++)
                {
                    expectedY[t * n + i] += x[t * k + j] * w[i * k + j];
                    expectedDx[t * k + j] += dy[t * n + i] * w[i * k + j];
                }
        Goldens.MethodCase.AssertClose(expectedY, y, 1e-5, "Y");
        Goldens.MethodCase.AssertClose(expectedDx, dx, 1e-5, "dX");
    }

    // A second backward pass doubles every gradient, and adds to dX where it is told to.
    private static void CheckAccumulation(Linear linear, Compute compute, float[] x, float[] y, float[] dy, float[] dx, int tokens)
    {
        var once = linear.Parameters.Select(p => Array.ConvertAll(p.Gradient.Span.ToArray(), v => 2.0 * v)).ToArray();
        var sum = (float[])dx.Clone();
        linear.Backward(compute, x, linear.NeedsOutput ? y : [], dy, tokens, sum, accumulate: true);
        Goldens.MethodCase.AssertClose(Array.ConvertAll(dx, v => 2.0 * v), sum, 1e-5, "accumulated dX");
        for (var p = 0; p < once.Length; p++)
            Goldens.MethodCase.AssertClose(once[p], linear.Parameters[p].Gradient.Span, 1e-5, "accumulated " + linear.Parameters[p].Name);
        linear.Backward(compute, x, linear.NeedsOutput ? y : [], dy, tokens, [], accumulate: false);
    }

    private static double Loss(float[] x, float[] dy, int tokens, double[] w, int k, int n)
    {
        var loss = 0.0;
        for (var t = 0; t < tokens; t++)
            for (var i = 0; i < n; i++)
            {
                var y = 0.0;
                for (var j = 0; j < k; j++)
                    y += x[t * k + j] * w[i * k + j];
                loss += dy[t * n + i] * y;
            }
        return loss;
    }
}
