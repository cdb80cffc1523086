namespace Vernier.Kernels.Tests;

public class AttentionTests
{
    /// <summary>Heads, key/value heads, head dimension, window, soft cap, lengths of the sequences.</summary>
    private static readonly (int Heads, int KvHeads, int Dim, int Window, float Cap, int[] Lengths)[] Cases =
    [
        (1, 1, 4, 0, 0, [1]),
        (2, 1, 5, 0, 0, [3, 1, 7]),
        (4, 2, 16, 0, 0, [96, 48]),
        (3, 1, 64, 0, 0, [130]),
        (2, 2, 64, 9, 0, [36, 100]),
        (2, 1, 20, 100, 0, [300, 0, 17]),
        (6, 2, 33, 0, 0, [97, 49, 145]),
        (1, 1, 128, 50, 0, [200]),
        (2, 2, 80, 0, 0, [65, 63]),
        (1, 1, 7, 1, 0, [5, 70]),
        (2, 1, 20, 9, 1.5f, [100, 17]),
        (4, 2, 33, 0, 3, [97, 1, 49]),
        (1, 1, 64, 0, 50, [130]),
    ];

    private sealed class Problem
    {
        public Problem(int index)
        {
            var (heads, kvHeads, dim, window, cap, lengths) = Cases[index];
            Shape = new AttentionShape(heads, kvHeads, dim, (float)(1 / Math.Sqrt(dim)), window, cap);
            Starts = new int[lengths.Length + 1];
            for (var s = 0; s < lengths.Length; s++)
                Starts[s + 1] = Starts[s] + lengths[s];
            Q = OpTesting.Normal(index, Tokens * Shape.QueryChannels, 1.5);
            K = OpTesting.Normal(index + 100, Tokens * Shape.KeyChannels, 1.5);
            V = OpTesting.Normal(index + 200, Tokens * Shape.KeyChannels);
            OutputGrad = OpTesting.Normal(index + 300, Tokens * Shape.QueryChannels);
        }

        public AttentionShape Shape { get; }
        public int[] Starts { get; }
        public int Tokens => Starts[^1];
        public float[] Q { get; }
        public float[] K { get; }
        public float[] V { get; }
        public float[] OutputGrad { get; }

        public (double[] Output, double[] LogSumExp, double[] QGrad, double[] KGrad, double[] VGrad) Reference()
        {
            var (output, log) = (new double[Q.Length], new double[Tokens * Shape.Heads]);
            var (dq, dk, dv) = (new double[Q.Length], new double[K.Length], new double[V.Length]);
            var (q, k, v, g) = (OpTesting.Wide(Q), OpTesting.Wide(K), OpTesting.Wide(V), OpTesting.Wide(OutputGrad));
            for (var s = 0; s < Starts.Length - 1; s++)
            {
                var n = Starts[s + 1] - Starts[s];
                var (qr, kr) = (Starts[s] * Shape.QueryChannels, Starts[s] * Shape.KeyChannels);
                var (ql, kl) = (n * Shape.QueryChannels, n * Shape.KeyChannels);
                AttentionReference.Forward(
                    q.AsSpan(qr, ql), k.AsSpan(kr, kl), v.AsSpan(kr, kl), n, n, Shape, output.AsSpan(qr, ql), log.AsSpan(Starts[s] * Shape.Heads, n * Shape.Heads));
                AttentionReference.Backward(
                    q.AsSpan(qr, ql), k.AsSpan(kr, kl), v.AsSpan(kr, kl), g.AsSpan(qr, ql), n, Shape, dq.AsSpan(qr, ql), dk.AsSpan(kr, kl), dv.AsSpan(kr, kl));
            }
            return (output, log, dq, dk, dv);
        }
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void ForwardAndBackwardMatchTheReference(Tier tier) => OpTesting.At(tier, () =>
    {
        for (var index = 0; index < Cases.Length; index++)
        {
            var problem = new Problem(index);
            var expected = problem.Reference();
            foreach (var threads in new[] { 1, 3, 7 })
            {
                using var pool = new WorkerPool(threads);
                var (output, log) = (new OpTesting.Guarded(problem.Q.Length), new OpTesting.Guarded(problem.Tokens * problem.Shape.Heads));
                var (dq, dk, dv) = (new OpTesting.Guarded(problem.Q.Length), new OpTesting.Guarded(problem.K.Length), new OpTesting.Guarded(problem.V.Length));
                Attention.Forward(pool, problem.Q, problem.K, problem.V, problem.Starts, problem.Shape, output.Span, log.Span);
                Attention.Backward(
                    pool, problem.Q, problem.K, problem.V, output.Span, log.Span, problem.OutputGrad, problem.Starts, problem.Shape, dq.Span, dk.Span, dv.Span);
                foreach (var guarded in new[] { output, log, dq, dk, dv })
                    guarded.Check($"case {index}");
                OpTesting.Close(expected.Output, output.Span, 1e-5, 1e-5, $"output of case {index}");
                OpTesting.Close(expected.LogSumExp, log.Span, 1e-5, 1e-5, $"logSumExp of case {index}");
                OpTesting.Close(expected.QGrad, dq.Span, 2e-5, 2e-5, $"qGrad of case {index}");
                OpTesting.Close(expected.KGrad, dk.Span, 2e-5, 4e-5, $"kGrad of case {index}");
                OpTesting.Close(expected.VGrad, dv.Span, 2e-5, 4e-5, $"vGrad of case {index}");
            }
        }
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1.5f)]
    public void TheReferenceGradientsAreTheDifferences(float cap)
    {
        var shape = new AttentionShape(4, 2, 3, 0.7f, 4, cap);
        const int tokens = 7;
        double[] q = OpTesting.Wide(OpTesting.Normal(1, tokens * 12)), k = OpTesting.Wide(OpTesting.Normal(2, tokens * 6));
        double[] v = OpTesting.Wide(OpTesting.Normal(3, tokens * 6)), g = OpTesting.Wide(OpTesting.Normal(4, tokens * 12));
        var (dq, dk, dv) = (new double[q.Length], new double[k.Length], new double[v.Length]);
        AttentionReference.Backward(q, k, v, g, tokens, shape, dq, dk, dv);

        double[] Output(double[] unused)
        {
            var output = new double[q.Length];
            AttentionReference.Forward(q, k, v, tokens, tokens, shape, output, new double[tokens * shape.Heads]);
            return output;
        }

        foreach (var (x, gradient) in new[] { (q, dq), (k, dk), (v, dv) })
            OpTesting.Close(gradient, Array.ConvertAll(OpTesting.Differences(x, g, Output), d => (float)d), 1e-6, 1e-7, "gradient");
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void CachedQueriesMatchTheReference(Tier tier) => OpTesting.At(tier, () =>
    {
        foreach (var (heads, kvHeads, dim, window, cap) in new[] { (3, 1, 64, 0, 0f), (4, 2, 20, 0, 0), (2, 2, 33, 40, 0), (8, 2, 128, 300, 0), (9, 3, 80, 0, 0), (16, 1, 64, 30, 0), (4, 2, 20, 0, 2), (2, 1, 64, 40, 5) })
            foreach (var (length, queries) in new[] { (1, 1), (2, 1), (33, 1), (64, 4), (256, 2), (257, 1), (600, 1), (600, 3), (40, 40), (300, 50), (700, 5) })
            {
                var shape = new AttentionShape(heads, kvHeads, dim, 0.3f, window, cap);
                var q = OpTesting.Normal(1, queries * shape.QueryChannels);
                var halves = Array.ConvertAll(OpTesting.Normal(2, (length + 3) * shape.KeyChannels), x => (Half)x);
                var valueHalves = Array.ConvertAll(OpTesting.Normal(3, (length + 3) * shape.KeyChannels), x => (Half)x);
                var (k, v) = (Array.ConvertAll(halves, x => (float)x), Array.ConvertAll(valueHalves, x => (float)x));
                for (var i = length * shape.KeyChannels; i < k.Length; i++) // not yet written
                {
                    (k[i], v[i]) = (float.NaN, float.NaN);
                    (halves[i], valueHalves[i]) = (Half.NaN, Half.NaN);
                }
                var expected = new double[q.Length];
                AttentionReference.Forward(OpTesting.Wide(q), OpTesting.Wide(k), OpTesting.Wide(v), queries, length, shape, expected, new double[queries * heads]);
                var output = new OpTesting.Guarded(q.Length);
                Attention.Cached(OpTesting.Pool, q, k, v, length, shape, output.Span);
                output.Check("output");
                OpTesting.Close(expected, output.Span, 1e-5, 1e-5, $"output of {queries} queries of {length}, {shape}");
                Attention.Cached(OpTesting.Pool, q, halves, valueHalves, length, shape, output.Span);
                OpTesting.Close(expected, output.Span, 1e-5, 1e-5, "output with a half cache");
            }
    });

    [Theory]
    [InlineData(40)] // one chunk of keys
    [InlineData(700)]
    public void CachedQueriesDoNotDependOnTheThreads(int length)
    {
        var shape = new AttentionShape(9, 3, 64, 0.125f);
        var q = OpTesting.Normal(1, 2 * shape.QueryChannels);
        var k = Array.ConvertAll(OpTesting.Normal(2, length * shape.KeyChannels), x => (Half)x);
        var v = Array.ConvertAll(OpTesting.Normal(3, length * shape.KeyChannels), x => (Half)x);
        Assert.Equal(Run(1), Run(2));
        Assert.Equal(Run(1), Run(7));

        float[] Run(int threads)
        {
            using var pool = new WorkerPool(threads);
            var output = new float[q.Length];
            Attention.Cached(pool, q, k, v, length, shape, output);
            return output;
        }
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void WhatIsNoNumberInTheCacheIsSeen(Tier tier) => OpTesting.At(tier, () =>
    {
        var shape = new AttentionShape(2, 1, 64, 0.125f);
        const int length = 37;
        var q = OpTesting.Normal(1, shape.QueryChannels);
        foreach (var bad in new[] { Half.NaN, Half.PositiveInfinity })
        {
            var k = Array.ConvertAll(OpTesting.Normal(2, length * shape.KeyChannels), x => (Half)x);
            var v = Array.ConvertAll(OpTesting.Normal(3, length * shape.KeyChannels), x => (Half)x);
            v[20 * shape.KeyChannels + 5] = bad;
            var output = new float[q.Length];
            Attention.Cached(OpTesting.Pool, q, k, v, length, shape, output);
            Assert.False(float.IsFinite(output[5]));
            Assert.True(float.IsFinite(output[6]));
        }
    });

    [Fact]
    public void RepeatsToTheBit()
    {
        var problem = new Problem(6);
        using var pool = new WorkerPool(4);
        var first = Run();
        for (var i = 0; i < 5; i++)
            Assert.Equal(first, Run());

        float[] Run()
        {
            var (output, log) = (new float[problem.Q.Length], new float[problem.Tokens * problem.Shape.Heads]);
            var (dq, dk, dv) = (new float[problem.Q.Length], new float[problem.K.Length], new float[problem.V.Length]);
            Attention.Forward(pool, problem.Q, problem.K, problem.V, problem.Starts, problem.Shape, output, log);
            Attention.Backward(pool, problem.Q, problem.K, problem.V, output, log, problem.OutputGrad, problem.Starts, problem.Shape, dq, dk, dv);
            return [.. output, .. log, .. dq, .. dk, .. dv];
        }
    }

    [Fact]
    public void AllocatesNothing()
    {
        var problem = new Problem(6);
        using var pool = new WorkerPool(1); // all on this thread, whose allocations can be told from those of other tests
        var (output, log) = (new float[problem.Q.Length], new float[problem.Tokens * problem.Shape.Heads]);
        var (dq, dk, dv) = (new float[problem.Q.Length], new float[problem.K.Length], new float[problem.V.Length]);
        var before = 0L;
        for (var i = 0; i < 3; i++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            Attention.Forward(pool, problem.Q, problem.K, problem.V, problem.Starts, problem.Shape, output, log);
            Attention.Backward(pool, problem.Q, problem.K, problem.V, output, log, problem.OutputGrad, problem.Starts, problem.Shape, dq, dk, dv);
            Attention.Cached(pool, problem.Q.AsSpan(0, problem.Shape.QueryChannels), problem.K, problem.V, 200, problem.Shape, output.AsSpan(0, problem.Shape.QueryChannels));
            before = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, before);
    }

    [Fact]
    public void RefusesShapesThatDoNotFit()
    {
        var shape = new AttentionShape(2, 1, 4, 1f);
        Assert.Throws<ArgumentException>(() => Attention.Forward(OpTesting.Pool, new float[8], new float[4], new float[3], [0, 1], shape, new float[8], default));
        Assert.Throws<ArgumentException>(() => Attention.Forward(OpTesting.Pool, new float[8], new float[4], new float[4], [1, 1], shape, new float[8], default));
        Assert.Throws<ArgumentException>(() =>
            Attention.Forward(OpTesting.Pool, new float[12], new float[8], new float[8], [0, 1], new AttentionShape(3, 2, 4, 1f), new float[12], default));
    }
}
