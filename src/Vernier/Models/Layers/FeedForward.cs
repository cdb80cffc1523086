namespace Vernier.Models;

/// <summary>The feed-forward part of one block.</summary>
internal abstract class FeedForward
{
    /// <summary>In the order of computation.</summary>
    public abstract IEnumerable<Linear> Linears { get; }

    /// <summary>The same in stages that are computed one after the other: of linears that read one input, one set or, with experts, several.</summary>
    public abstract IEnumerable<Linear[][]> Stages { get; }

    /// <summary>What is never quantized and trained only with all else: routers.</summary>
    public virtual IEnumerable<NamedMatrix> Matrices => [];

    public abstract bool HasParameters { get; }

    /// <summary>Backward reads what Forward wrote for y, which must be computed even where nobody else looks at it.</summary>
    public abstract bool NeedsOutput { get; }

    /// <summary>Each linear in the order of computation, and what is to stand in its place.</summary>
    public abstract void Replace(Func<Linear, Linear> replace);

    /// <summary>y [tokens, hidden], with bias. An empty y computes only what the backward pass reads.</summary>
    public abstract void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, BlockActivations kept, Span<float> y);

    /// <summary>dx [tokens, hidden] = gradient through Forward.</summary>
    public abstract void Backward(Compute compute, ReadOnlySpan<float> x, int tokens, BlockActivations kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput);
}
