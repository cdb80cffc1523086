namespace Vernier.Models;

/// <summary>A decoder-only transformer. One forward pass serves training, scoring and generation.</summary>
public sealed class Decoder
{
    public Decoder(ModelConfig config) => Config = config;

    public ModelConfig Config { get; }

    /// <summary>The linear layers inside the blocks, in the order of computation: the ones that are quantized and tuned.</summary>
    public IReadOnlyList<Linear> Linears => throw new NotImplementedException();

    /// <summary>What training changes now: the parameters of the linears, and for full fine-tuning all others.</summary>
    public IReadOnlyList<Parameter> Parameters => throw new NotImplementedException();

    /// <summary>Replaces linears: the function gets each one and returns it or its replacement of the same shape and name.</summary>
    public void ReplaceLinears(Func<Linear, Linear> replace) => throw new NotImplementedException();

    /// <summary>Forward only. Returns the sum of the negative log-likelihoods of all targets, in nats.</summary>
    public double SumNegativeLogLikelihood(Compute compute, TokenBatch batch) => throw new NotImplementedException();

    /// <summary>Forward and backward. Returns the summed negative log-likelihood and adds <paramref name="scale"/> times its gradient to every parameter's gradient
    /// (the trainer passes 1 / scored tokens of the whole step).</summary>
    public double Accumulate(Compute compute, TokenBatch batch, float scale) => throw new NotImplementedException();

    /// <summary>Log-probability of every target (0 where there is none) and whether the target was the arg-max (first on ties).</summary>
    public void LogProbabilities(Compute compute, TokenBatch batch, Span<float> logProbabilities, Span<bool> greedy) => throw new NotImplementedException();

    /// <summary>Appends ids to one sequence's cache and writes the logits of the last of them.</summary>
    /// <param name="logits">[vocabulary].</param>
    public void Forward(Compute compute, ReadOnlySpan<int> ids, KvCache cache, Span<float> logits) => throw new NotImplementedException();
}
