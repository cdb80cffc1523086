using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>The head of SmolLM2-135M with its loss, over 128 tokens.</summary>
[Config(typeof(InstructionSets))]
public class HeadBenchmarks : IDisposable
{
    private const int Tokens = 128, Hidden = 576, Vocabulary = 49152;

    private readonly WorkerPool _pool = new(1);
    private readonly PackedMatrix _head = Measure.Packed(Vocabulary, Hidden, 8, 32);
    private readonly CrossEntropy _loss = new(Hidden, Vocabulary);
    private readonly float[] _hidden = Measure.Values(Tokens * Hidden, 1), _hiddenGrad = new float[Tokens * Hidden];
    private readonly int[] _targets = [.. Enumerable.Range(0, Tokens)];

    public void Dispose()
    {
        _loss.Dispose();
        _head.Dispose();
        _pool.Dispose();
    }

    [GlobalCleanup]
    public void Free() => Dispose();

    [Benchmark]
    public double Loss() => _loss.Loss(_pool, _hidden, _head, [], _targets);

    [Benchmark]
    public double LossAndGradient() => _loss.LossAndGradient(_pool, _hidden, _head, [], _targets, 1, _hiddenGrad);
}
