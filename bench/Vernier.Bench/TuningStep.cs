using System.Diagnostics;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Bench;

/// <summary>A model that is ready for steps of PEQA on two sequences of 512 random tokens.</summary>
internal sealed class TuningStep : IDisposable
{
    public const int Length = 512;
    public const int Tokens = 2 * Length;

    private readonly AdamWOptimizer _optimizer;

    /// <param name="granularity">Channel: 4 bits a channel; else the file's own blocks.</param>
    /// <param name="keep">The activations of blocks are kept; else computed again.</param>
    public TuningStep(string path, int threads, Granularity granularity, bool keep, ComputeMode mode)
    {
        Model = LanguageModel.Load(path, new LoadOptions { Threads = threads, Mode = mode });
        var options = new TuneOptions { Granularity = granularity, Bits = granularity == Granularity.Channel ? 4 : null };
        TuningMethods.Of(options).Apply(Model.Decoder, options, Model.Compute);
        _optimizer = new AdamWOptimizer(Model.Decoder.Parameters, options);
        Model.Decoder.KeptBlocks = keep ? Model.Config.Layers - 1 : 0;
        var random = new Random(1);
        var (ids, targets) = (new int[Tokens], new int[Tokens]);
        for (var i = 0; i < Tokens; i++)
            ids[i] = random.Next(Model.Config.VocabularySize);
        for (var i = 0; i < Tokens; i++)
            targets[i] = (i + 1) % Length == 0 ? TokenBatch.NoTarget : ids[i + 1];
        Batch = new TokenBatch(ids, [0, Length, Tokens], targets);
    }

    public LanguageModel Model { get; }

    public TokenBatch Batch { get; }

    public void Run()
    {
        ClearGradients();
        Model.Decoder.Accumulate(Model.Compute, Batch, 1f / Batch.ScoredTokens);
        Update();
    }

    public double Seconds()
    {
        var start = Stopwatch.GetTimestamp();
        Run();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void ClearGradients() => _optimizer.ClearGradients();

    public void Update()
    {
        _optimizer.GlobalNorm(Model.Compute.Pool);
        _optimizer.Step(Model.Compute.Pool, 0, 0, 1);
        foreach (var linear in Model.Decoder.Linears)
            linear.ParametersChanged();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Model.Dispose();
    }
}
