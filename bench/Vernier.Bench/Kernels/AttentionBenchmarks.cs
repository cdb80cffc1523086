using BenchmarkDotNet.Attributes;
using Vernier.Kernels;

namespace Vernier.Bench.Kernels;

/// <summary>Attention of SmolLM2-135M over one sequence of 512 tokens, for training.</summary>
public class AttentionBenchmarks : KernelBenchmarks
{
    private const int Tokens = 512;

    private static readonly AttentionShape s_shape = new(9, 3, 64, 0.125f, 0);
    private static readonly int[] s_starts = [0, Tokens];

    private readonly float[] _q = Measure.Values(Tokens * 576, 1), _k = Measure.Values(Tokens * 192, 2), _v = Measure.Values(Tokens * 192, 3);
    private readonly float[] _output = new float[Tokens * 576], _logSumExp = new float[Tokens * 9], _outputGrad = Measure.Values(Tokens * 576, 4);
    private readonly float[] _qGrad = new float[Tokens * 576], _kGrad = new float[Tokens * 192], _vGrad = new float[Tokens * 192];

    [GlobalSetup]
    public void Fill() => Forward();

    [Benchmark]
    public void Forward() => Attention.Forward(_pool, _q, _k, _v, s_starts, s_shape, _output, _logSumExp);

    [Benchmark]
    public void Backward() => Attention.Backward(_pool, _q, _k, _v, _output, _logSumExp, _outputGrad, s_starts, s_shape, _qGrad, _kGrad, _vGrad);
}
