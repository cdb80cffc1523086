namespace Vernier.Models;

/// <summary>What the backward pass of one block reads besides the block's input: the results of the linear layers and of attention.
/// Norms and activation functions are cheap and computed again.</summary>
internal sealed class BlockActivations : IDisposable
{
    /// <summary>Index of the block whose activations these are now, or -1.</summary>
    public int Block { get; set; } = -1;

    /// <summary>[tokens, heads x head dim], after bias, q norm and rotation.</summary>
    public GrowingBuffer Query { get; } = new();

    /// <summary>[tokens, KV heads x head dim], after bias, k norm and rotation.</summary>
    public GrowingBuffer Key { get; } = new();

    /// <summary>[tokens, KV heads x head dim], after bias.</summary>
    public GrowingBuffer Value { get; } = new();

    /// <summary>q before its norm; only for models that have one.</summary>
    public GrowingBuffer QueryBeforeNorm { get; } = new();

    /// <summary>k before its norm; only for models that have one.</summary>
    public GrowingBuffer KeyBeforeNorm { get; } = new();

    /// <summary>[tokens, heads x head dim], values mixed by attention.</summary>
    public GrowingBuffer Mixed { get; } = new();

    /// <summary>[tokens, heads], log of the softmax denominators.</summary>
    public GrowingBuffer LogSumExp { get; } = new();

    /// <summary>[tokens, hidden], output projection without bias; only when the layer needs it.</summary>
    public GrowingBuffer AttentionOutput { get; } = new();

    /// <summary>[tokens, hidden], the residual stream between attention and feed-forward (post-norm blocks: before the norm).</summary>
    public GrowingBuffer Middle { get; } = new();

    /// <summary>Of the feed-forward part, or of its experts.</summary>
    public FeedForwardBuffers FeedForward { get; } = new();

    /// <summary>Of the expert that computes every token, where there is one.</summary>
    public FeedForwardBuffers SharedExpert { get; } = new();

    /// <summary>[tokens, experts], logits of the router; only for models that have one.</summary>
    public GrowingBuffer Router { get; } = new();

    /// <summary>[tokens, hidden], what attention gives, before the norm behind it; only where there is one.</summary>
    public GrowingBuffer AttentionBranch { get; } = new();

    /// <summary>[tokens, hidden], what the feed-forward part gives, before the norm behind it; only where there is one.</summary>
    public GrowingBuffer FeedForwardBranch { get; } = new();

    /// <summary>[tokens, hidden], the second residual sum of a post-norm block before its norm.</summary>
    public GrowingBuffer BeforeFinalNorm { get; } = new();

    /// <summary>Bytes held now.</summary>
    public long Bytes => Query.Bytes + Key.Bytes + Value.Bytes + QueryBeforeNorm.Bytes + KeyBeforeNorm.Bytes + Mixed.Bytes + LogSumExp.Bytes
        + AttentionOutput.Bytes + Middle.Bytes + FeedForward.Bytes + SharedExpert.Bytes + Router.Bytes + BeforeFinalNorm.Bytes + AttentionBranch.Bytes + FeedForwardBranch.Bytes;

    public void Dispose()
    {
        Query.Dispose();
        Key.Dispose();
        Value.Dispose();
        QueryBeforeNorm.Dispose();
        KeyBeforeNorm.Dispose();
        Mixed.Dispose();
        LogSumExp.Dispose();
        AttentionOutput.Dispose();
        Middle.Dispose();
        FeedForward.Dispose();
        SharedExpert.Dispose();
        Router.Dispose();
        BeforeFinalNorm.Dispose();
        AttentionBranch.Dispose();
        FeedForwardBranch.Dispose();
    }
}
