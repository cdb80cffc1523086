namespace Vernier.Kernels.Tests;

public class ActivationTests
{
    /// <summary>An argument of up to 100 is rounded before its exponential is taken.</summary>
    private const double RoundedArgument = 1e-5;

    private delegate void PlainForward(WorkerPool pool, ReadOnlySpan<float> x, Span<float> y);

    private delegate void PlainBackward(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> yGrad, Span<float> xGrad);

    private delegate void GatedForward(WorkerPool pool, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y);

    private delegate void GatedBackward(
        WorkerPool pool, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> yGrad, Span<float> gateGrad, Span<float> upGrad);

    /// <summary>A few units of the last place; without fused multiply-add the tails of exp(-x²/2) lose more.</summary>
    private static double Fused =>
        System.Runtime.Intrinsics.X86.Fma.IsSupported || System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported ? 6e-7 : RoundedArgument;

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Silu(double x) => x * Sigmoid(x);

    private static double Tanh(double x) => x * Sigmoid(2 * Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x));

    private static double Erf(double x) => x * Distribution(x);

    /// <summary>Φ by its series about 0, and by its continued fraction in the tails.</summary>
    private static double Distribution(double x)
    {
        if (x > 0)
            return x > 3 ? 1 - Distribution(-x) : 0.5 + Series(x);
        if (x > -3)
            return 0.5 - Series(-x);
        var fraction = 0.0;
        for (var k = 300; k > 0; k--)
            fraction = k / (-x + fraction);
        return Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI) / (-x + fraction);

        static double Series(double z)
        {
            var (sum, term) = (0.0, z);
            for (var n = 1; term > 1e-20; n += 2)
            {
                sum += term;
                term *= z * z / (n + 2);
            }
            return sum * Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI);
        }
    }

    private static double Slope(Func<double, double> f, double x)
    {
        var h = 1e-4;
        return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
    }

    /// <summary>Values near 0, in the tails, and at the ends of the range, so that the whole curve is judged.</summary>
    private static float[] Inputs(int seed, int length)
    {
        var x = OpTesting.Normal(seed, length, 3);
        for (var i = 0; i < length; i += 7)
            x[i] *= i % 2 == 0 ? 1e-3f : 4f;
        return x;
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void GeluErfIsExactInBothTails(Tier tier) => Plain(tier, GeluErf.Forward, GeluErf.Backward, Erf, Fused);

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void GeluTanhIsExactInBothTails(Tier tier) => Plain(tier, GeluTanh.Forward, GeluTanh.Backward, Tanh, RoundedArgument);

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void ReluIsExact(Tier tier) => Plain(tier, Relu.Forward, Relu.Backward, x => Math.Max(x, 0), 0, x => x > 0 ? 1 : 0);

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void SwiGluIsExact(Tier tier) => Gated(tier, SwiGlu.Forward, SwiGlu.Backward, Silu, Fused);

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void GeGluTanhIsExact(Tier tier) => Gated(tier, GeGluTanh.Forward, GeGluTanh.Backward, Tanh, RoundedArgument);

    private static void Plain(Tier tier, PlainForward forward, PlainBackward backward, Func<double, double> f, double relative, Func<double, double>? slope = null) => OpTesting.At(tier, () =>
    {
        for (var length = 0; length <= 130; length++)
        {
            var x = Inputs(length, length);
            var g = OpTesting.Normal(length + 1000, length);
            var (y, d) = (new OpTesting.Guarded(length), new OpTesting.Guarded(length));
            forward(OpTesting.Pool, x, y.Span);
            backward(OpTesting.Pool, x, g, d.Span);
            y.Check("forward");
            d.Check("backward");
            var expected = Array.ConvertAll(x, v => f(v));
            OpTesting.Close(expected, y.Span, relative, 1e-38, "y");
            OpTesting.Close(x.Zip(g, (v, w) => w * (slope?.Invoke(v) ?? Slope(f, v))).ToArray(), d.Span, 2e-6, 1e-6, "xGrad");
        }
    });

    private static void Gated(Tier tier, GatedForward forward, GatedBackward backward, Func<double, double> f, double relative) => OpTesting.At(tier, () =>
    {
        for (var length = 0; length <= 130; length++)
        {
            var (gate, up, g) = (Inputs(length, length), OpTesting.Normal(length + 1, length), OpTesting.Normal(length + 2, length));
            var (y, dGate, dUp) = (new OpTesting.Guarded(length), new OpTesting.Guarded(length), new OpTesting.Guarded(g));
            forward(OpTesting.Pool, gate, up, y.Span);
            backward(OpTesting.Pool, gate, up, dUp.Span, dGate.Span, dUp.Span); // the gradient of up takes the place of yGrad
            y.Check("forward");
            dGate.Check("gateGrad");
            dUp.Check("upGrad");
            var indices = Enumerable.Range(0, length).ToArray();
            OpTesting.Close(Array.ConvertAll(indices, i => f(gate[i]) * up[i]), y.Span, relative, 1e-38, "y");
            OpTesting.Close(Array.ConvertAll(indices, i => g[i] * f(gate[i])), dUp.Span, relative, 1e-38, "upGrad");
            OpTesting.Close(Array.ConvertAll(indices, i => g[i] * up[i] * Slope(f, gate[i])), dGate.Span, 3e-6, 3e-6, "gateGrad");
        }
    });

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void LargeInputsSaturateAndNaNComesThrough(Tier tier) => OpTesting.At(tier, () =>
    {
        float[] x = [-1e30f, -200f, -104f, 200f, 1e30f, float.NaN, 0f, 1f];
        var y = new float[x.Length];
        foreach (PlainForward forward in new PlainForward[] { GeluErf.Forward, GeluTanh.Forward, Relu.Forward })
        {
            forward(OpTesting.Pool, x, y);
            Assert.All(y[..3], v => Assert.Equal(0f, v));
            Assert.Equal(x[3..5], y[3..5]);
            Assert.True(float.IsNaN(y[5]));
            Assert.Equal(0f, y[6]);
        }
    });

    [Fact]
    public void LengthsMustAgree() =>
        Assert.Throws<ArgumentException>(() => SwiGlu.Forward(OpTesting.Pool, new float[4], new float[3], new float[4]));
}
