using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>The head of SmolLM2-135M with its loss, over 128 tokens.</summary>
public class HeadBenchmarks : KernelBenchmarks
{
    private const int Tokens = 128, Hidden = 576, Vocabulary = 49152;

    private readonly PackedMatrix _head = Measure.Packed(Vocabulary, Hidden, 8, 32);
    private readonly CrossEntropy _loss = new(Hidden, Vocabulary);
    private readonly float[] _hidden = Measure.Values(Tokens * Hidden, 1), _hiddenGrad = new float[Tokens * Hidden];
    private readonly int[] _targets = [.. Enumerable.Range(0, Tokens)];

    public override void Dispose()
    {
        _loss.Dispose();
        _head.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public double Loss() => _loss.Loss(_pool, _hidden, _head, [], _targets);

    [Benchmark]
    public double LossAndGradient() => _loss.LossAndGradient(_pool, _hidden, _head, [], _targets, 1, _hiddenGrad);
}
