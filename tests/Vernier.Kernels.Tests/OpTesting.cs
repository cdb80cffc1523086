namespace Vernier.Kernels.Tests;

/// <summary>What the tests of the elementwise, norm, attention and loss kernels share: random values, poison and comparisons.</summary>
internal static class OpTesting
{
    /// <summary>Bits beside a buffer that a kernel must leave alone.</summary>
    private const float Poison = 1.2345e33f;

    [ThreadStatic]
    private static WorkerPool? t_pool;

    /// <summary>Workers of the thread that tests: a pool serves one caller at a time, and test classes run side by side.</summary>
    public static WorkerPool Pool => t_pool ??= new WorkerPool(3);

    /// <summary>Runs the body at one tier.</summary>
    public static void At(Tier tier, Action body)
    {
        Kernel.Force((InstructionTier)tier);
        try
        {
            body();
        }
        finally
        {
            Kernel.Force(null);
        }
    }

    public static float[] Normal(int seed, int length, double scale = 1)
    {
        var random = new Random(seed);
        var x = new float[length];
        for (var i = 0; i < length; i++)
            x[i] = (float)(scale * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return x;
    }

    public static double[] Wide(ReadOnlySpan<float> x)
    {
        var y = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
            y[i] = x[i];
        return y;
    }

    /// <summary>|actual - expected| ≤ relative |expected| + absolute, element by element.</summary>
    public static void Close(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double relative, double absolute, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            if (!(Math.Abs(expected[i] - actual[i]) <= relative * Math.Abs(expected[i]) + absolute))
                Assert.Fail($"{what}[{i}] is {actual[i]:R}, expected {expected[i]:R}");
    }

    /// <summary>A span with poison on both sides that <see cref="Guarded.Check"/> looks at.</summary>
    internal sealed class Guarded
    {
        private const int Margin = 37;
        private readonly float[] _all;

        public Guarded(ReadOnlySpan<float> values)
        {
            _all = new float[values.Length + 2 * Margin];
            Array.Fill(_all, Poison);
            values.CopyTo(_all.AsSpan(Margin));
        }

        public Guarded(int length)
            : this(new float[length])
        {
        }

        public Span<float> Span => _all.AsSpan(Margin, _all.Length - 2 * Margin);

        public void Check(string what)
        {
            for (var i = 0; i < Margin; i++)
                if (_all[i] != Poison || _all[^(i + 1)] != Poison)
                    Assert.Fail($"{what}: wrote beside its buffer");
        }
    }

    /// <summary>The gradient of Σ f(x) · weights by central differences in double, one element of x at a time.</summary>
    public static double[] Differences(double[] x, double[] weights, Func<double[], double[]> f, double step = 1e-5)
    {
        var gradient = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var at = x[i];
            x[i] = at + step;
            var above = f(x);
            x[i] = at - step;
            var below = f(x);
            x[i] = at;
            for (var j = 0; j < weights.Length; j++)
                gradient[i] += weights[j] * (above[j] - below[j]) / (2 * step);
        }
        return gradient;
    }
}
