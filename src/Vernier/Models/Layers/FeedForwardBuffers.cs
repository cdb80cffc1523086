namespace Vernier.Models;

/// <summary>What the backward pass of a feed-forward part reads besides its input. Rows are tokens, or the places of tokens at experts.</summary>
internal sealed class FeedForwardBuffers : IDisposable
{
    /// <summary>[rows, width], after bias; only for gated activations.</summary>
    public GrowingBuffer Gate { get; } = new();

    /// <summary>[rows, width], after bias.</summary>
    public GrowingBuffer Up { get; } = new();

    /// <summary>[rows, hidden], down projection without bias; only where it is needed.</summary>
    public GrowingBuffer Output { get; } = new();

    /// <summary>Bytes held now.</summary>
    public long Bytes => Gate.Bytes + Up.Bytes + Output.Bytes;

    public void Dispose()
    {
        Gate.Dispose();
        Up.Dispose();
        Output.Dispose();
    }
}
