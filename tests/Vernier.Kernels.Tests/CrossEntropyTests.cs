namespace Vernier.Kernels.Tests;

public class CrossEntropyTests
{
    private sealed class Problem
    {
        public Problem(int tokens, int channels, int vocabulary, bool biased, float cap = 0)
        {
            (Channels, Vocabulary, Cap) = (channels, vocabulary, cap);
            Hidden = OpTesting.Normal(1, tokens * channels);
            Weight = OpTesting.Normal(2, vocabulary * channels);
            Bias = biased ? OpTesting.Normal(3, vocabulary) : [];
            Head = new DenseMatrix(vocabulary, channels);
            for (var r = 0; r < vocabulary; r++)
                Weight.AsSpan(r * channels, channels).CopyTo(Head.Row(r));
            var random = new Random(4);
            Targets = new int[tokens];
            for (var t = 0; t < tokens; t++)
                Targets[t] = random.Next(4) == 0 ? -100 : random.Next(vocabulary);
        }

        public int Channels { get; }
        public int Vocabulary { get; }
        public float Cap { get; }
        public float[] Hidden { get; }
        public float[] Weight { get; }
        public float[] Bias { get; }
        public DenseMatrix Head { get; }
        public int[] Targets { get; }

        /// <summary>Log-probabilities of the targets, in double.</summary>
        public (double[] LogProbabilities, bool[] Greedy) Reference(double[] hidden, double[] weight, double[] bias)
        {
            var (log, greedy) = (new double[Targets.Length], new bool[Targets.Length]);
            for (var t = 0; t < Targets.Length; t++)
                if (Targets[t] >= 0)
                {
                    var logits = new double[Vocabulary];
                    for (var i = 0; i < Vocabulary; i++)
                    {
                        logits[i] = bias.Length > 0 ? bias[i] : 0;
                        for (var c = 0; c < Channels; c++)
                            logits[i] += hidden[t * Channels + c] * weight[i * Channels + c];
                        if (Cap != 0)
                            logits[i] = Cap * Math.Tanh(logits[i] / Cap);
                    }
                    log[t] = logits[Targets[t]] - Math.Log(logits.Sum(Math.Exp));
                    greedy[t] = Array.IndexOf(logits, logits.Max()) == Targets[t];
                }
            return (log, greedy);
        }
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void LossAndGradientsMatchTheFormulaAndItsDifferences(Tier tier) => OpTesting.At(tier, () =>
    {
        foreach (var (biased, cap) in new[] { (false, 0f), (true, 0), (false, 2), (true, 30) })
        {
            var problem = new Problem(11, 6, 37, biased, cap);
            var (hidden, weight, bias) = (OpTesting.Wide(problem.Hidden), OpTesting.Wide(problem.Weight), OpTesting.Wide(problem.Bias));
            using var loss = new CrossEntropy(problem.Channels, problem.Vocabulary) { SoftCap = cap };
            var (log, greedy) = problem.Reference(hidden, weight, bias);
            Assert.Equal(-log.Sum(), loss.Loss(OpTesting.Pool, problem.Hidden, problem.Head, problem.Bias, problem.Targets), 1e-4);

            var logProbabilities = new float[log.Length];
            var hits = new bool[log.Length];
            loss.LogProbabilities(OpTesting.Pool, problem.Hidden, problem.Head, problem.Bias, problem.Targets, logProbabilities, hits);
            OpTesting.Close(log, logProbabilities, 1e-6, 1e-5, "log-probability");
            Assert.Equal(greedy, hits);

            var hiddenGrad = new OpTesting.Guarded(problem.Hidden.Length);
            using var headGrad = new NativeBuffer<float>(problem.Weight.Length);
            var biasGrad = new float[problem.Bias.Length];
            var sum = loss.LossAndGradient(
                OpTesting.Pool, problem.Hidden, problem.Head, problem.Bias, problem.Targets, 0.25f, hiddenGrad.Span,
                new DenseGradientSink(headGrad, problem.Channels), biasGrad);
            Assert.Equal(-log.Sum(), sum, 1e-4);
            hiddenGrad.Check("hiddenGrad");
            var weights = Enumerable.Repeat(-0.25, log.Length).ToArray();
            OpTesting.Close(OpTesting.Differences(hidden, weights, v => problem.Reference(v, weight, bias).LogProbabilities), hiddenGrad.Span, 1e-5, 1e-6, "hiddenGrad");
            OpTesting.Close(OpTesting.Differences(weight, weights, v => problem.Reference(hidden, v, bias).LogProbabilities), headGrad.Span, 1e-5, 1e-6, "headGrad");
            if (biased)
                OpTesting.Close(OpTesting.Differences(bias, weights, v => problem.Reference(hidden, weight, v).LogProbabilities), biasGrad, 1e-5, 1e-6, "biasGrad");
        }
    });

    /// <summary>A vocabulary so large that the tokens take several chunks.</summary>
    [Fact]
    public void IntegerLogitsAreThoseOfRoundedActivations()
    {
        const int tokens = 20, channels = 64, vocabulary = 37;
        using var head = Matrices.Packed(vocabulary, channels, 8, 32, 1);
        var (hidden, targets) = (OpTesting.Normal(2, tokens * channels), new int[tokens]);
        for (var t = 0; t < tokens; t++)
            targets[t] = t % 5 == 0 ? -1 : t;
        using var loss = new CrossEntropy(channels, vocabulary);
        using var quantized = new QuantizedActivations();
        var (gradient, expected) = (new float[hidden.Length], new float[hidden.Length]);
        var found = loss.LossAndGradient(OpTesting.Pool, hidden, head, default, targets, 0.5f, gradient, quantized: quantized);
        var exact = loss.LossAndGradient(OpTesting.Pool, hidden, head, default, targets, 0.5f, expected);
        quantized.Quantize(OpTesting.Pool, hidden, tokens, channels);
        var rounded = quantized.Values(OpTesting.Pool).ToArray();
        Assert.NotEqual(exact, found);
        Assert.Equal(loss.LossAndGradient(OpTesting.Pool, rounded, head, default, targets, 0.5f, expected), found, 1e-3);
        OpTesting.Close(Array.ConvertAll(expected, v => (double)v), gradient, 1e-4, 1e-3, "gradient");
    }

    [Fact]
    public void ChunksAddUp()
    {
        var problem = new Problem(60, 2, 250_000, false);
        using var loss = new CrossEntropy(problem.Channels, problem.Vocabulary);
        Assert.True(loss.Chunk < problem.Targets.Count(t => t >= 0));
        var (log, greedy) = problem.Reference(OpTesting.Wide(problem.Hidden), OpTesting.Wide(problem.Weight), []);
        var logProbabilities = new float[log.Length];
        var hits = new bool[log.Length];
        loss.LogProbabilities(OpTesting.Pool, problem.Hidden, problem.Head, [], problem.Targets, logProbabilities, hits);
        OpTesting.Close(log, logProbabilities, 2e-6, 1e-5, "log-probability");
        Assert.Equal(greedy, hits);
        var grad = new float[problem.Hidden.Length];
        Assert.Equal(-log.Sum(), loss.LossAndGradient(OpTesting.Pool, problem.Hidden, problem.Head, [], problem.Targets, 1f, grad), 1e-3);
        for (var t = 0; t < problem.Targets.Length; t++)
            Assert.Equal(problem.Targets[t] < 0, grad[2 * t] == 0 && grad[2 * t + 1] == 0);
    }

    [Fact]
    public void TheFirstOfEqualLogitsIsGreedy()
    {
        using var head = new DenseMatrix(4, 1);
        new float[] { 1, 2, 2, 0 }.CopyTo(head.Values.Span);
        using var loss = new CrossEntropy(1, 4);
        var greedy = new bool[3];
        loss.LogProbabilities(OpTesting.Pool, [1f, 1f, 1f], head, [], [1, 2, 0], new float[3], greedy);
        Assert.Equal([true, false, false], greedy);
    }

    [Fact]
    public void RefusesTargetsBeyondTheVocabulary()
    {
        using var head = new DenseMatrix(4, 1);
        using var loss = new CrossEntropy(1, 4);
        Assert.Throws<ArgumentOutOfRangeException>(() => loss.Loss(OpTesting.Pool, [1f], head, [], [4]));
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void SoftmaxOfARow(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var length = 1; length <= 130; length++)
        {
            var x = OpTesting.Normal(length, length, 5);
            x[length / 2] = float.NegativeInfinity;
            if (length == 1)
                x[0] = 1;
            var sum = x.Sum(v => Math.Exp(v));
            var y = new OpTesting.Guarded(length);
            Softmax.Row(x, y.Span);
            OpTesting.Close(Array.ConvertAll(x, v => Math.Exp(v) / sum), y.Span, 4e-6, 1e-38, "softmax");
            Softmax.LogRow(x, y.Span);
            y.Check("softmax");
            for (var i = 0; i < length; i++)
                if (float.IsFinite(x[i]))
                    Assert.Equal(x[i] - Math.Log(sum), y.Span[i], 1e-5);
                else
                    Assert.Equal(x[i], y.Span[i]);
        }
    });

    [Fact]
    public void TopKIsSortedAndTakesTheFirstOfEquals()
    {
        float[] x = [1, 5, 3, 5, 4, 3];
        var indices = new int[4];
        Softmax.TopK(x, indices);
        Assert.Equal([1, 3, 4, 2], indices);
        Assert.Equal(1, Softmax.ArgMax(x));
    }
}
