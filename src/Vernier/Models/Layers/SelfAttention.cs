using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Causal self-attention of one block: q, k, v, rotation, mixing, output projection.</summary>
internal sealed class SelfAttention
{
    private readonly ModelConfig _config;
    private readonly int _layer;
    private readonly AttentionShape _shape;
    private readonly Rotary? _rope;

    public SelfAttention(ModelConfig config, int layer, Rotary? rope, Linear query, Linear key, Linear value, Linear output, Norm? queryNorm, Norm? keyNorm)
    {
        (_config, _layer, _rope) = (config, layer, rope);
        var window = config.AttentionWindows.Count == 0 ? 0 : config.AttentionWindows[layer];
        _shape = new AttentionShape(config.Heads, config.KvHeads, config.HeadDim, config.AttentionScaleByLayer ? config.AttentionScale / (layer + 1) : config.AttentionScale, window, config.AttentionSoftCap);
        (Query, Key, Value, Output, QueryNorm, KeyNorm) = (query, key, value, output, queryNorm, keyNorm);
    }

    public Linear Query { get; set; }

    public Linear Key { get; set; }

    public Linear Value { get; set; }

    public Linear Output { get; set; }

    public Norm? QueryNorm { get; }

    public Norm? KeyNorm { get; }

    private int QueryWidth => _shape.QueryChannels;

    private int KeyWidth => _shape.KeyChannels;

    /// <summary>y [tokens, hidden] = attention of x, with bias. Keys and values go to the cache where there is one.</summary>
    public void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, BlockActivations kept, Span<float> y)
    {
        var tokens = layout.Tokens;
        var q = kept.Query.Of(tokens * QueryWidth);
        var k = kept.Key.Of(tokens * KeyWidth);
        var v = kept.Value.Of(tokens * KeyWidth);
        if (layout.Caches is [var only]) // those of several sequences would push each other out
            only.BeginReading(_layer);
        Projections.Forward(compute, layout, x, Query, q, Key, k, Value, v);
        Position(compute, layout, Query, QueryNorm, kept.QueryBeforeNorm, q);
        Position(compute, layout, Key, KeyNorm, kept.KeyBeforeNorm, k);
        Value.AddBias(compute, v);

        var mixed = kept.Mixed.Of(tokens * QueryWidth);
        if (layout.Caches.IsEmpty)
            Attention.Forward(compute.Pool, q, k, v, layout.Starts, _shape, mixed, kept.LogSumExp.Of(tokens * _config.Heads));
        else
            Attend(compute, layout, q, k, v, mixed);

        Projections.Forward(compute, layout, mixed, Output, y);
        if (Output.NeedsOutput)
            y.CopyTo(kept.AttentionOutput.Of(y.Length));
        Output.AddBias(compute, y);
    }

    /// <summary>dx [tokens, hidden] = gradient through Forward; only what <paramref name="wantsInput"/> and the layers ask for is computed.</summary>
    /// <param name="accumulate">Add to dx instead of overwriting it.</param>
    public void Backward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, BlockActivations kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput, bool accumulate)
    {
        var tokens = layout.Tokens;
        var q = kept.Query.Of(tokens * QueryWidth);
        var k = kept.Key.Of(tokens * KeyWidth);
        var v = kept.Value.Of(tokens * KeyWidth);
        var mixed = kept.Mixed.Of(tokens * QueryWidth);
        var wide = compute.Scratch(WorkspaceSlot.Widest, mixed.Length + q.Length + k.Length + v.Length);
        var dMixed = wide[..mixed.Length];
        Output.AddBiasGradient(compute, dy);
        Output.Backward(compute, mixed, Output.NeedsOutput ? kept.AttentionOutput.Of(dy.Length) : default, dy, tokens, dMixed, false);

        var dq = wide.Slice(mixed.Length, q.Length);
        var dk = wide.Slice(mixed.Length + q.Length, k.Length);
        var dv = wide[^v.Length..];
        Attention.Backward(compute.Pool, q, k, v, mixed, kept.LogSumExp.Of(tokens * _config.Heads), dMixed, layout.Starts, _shape, dq, dk, dv);

        if (Value.NeedsOutput)
            Value.RemoveBias(compute, v);
        BackwardProjection(compute, Value, x, v, dv, tokens, dx, wantsInput, ref accumulate);
        BeforeRotation(compute, layout, Query, QueryNorm, kept.QueryBeforeNorm, q, dq);
        BackwardProjection(compute, Query, x, q, dq, tokens, dx, wantsInput, ref accumulate);
        BeforeRotation(compute, layout, Key, KeyNorm, kept.KeyBeforeNorm, k, dk);
        BackwardProjection(compute, Key, x, k, dk, tokens, dx, wantsInput, ref accumulate);
    }

    public bool HasParameters => Query.Parameters.Count + Key.Parameters.Count + Value.Parameters.Count + Output.Parameters.Count > 0;

    /// <summary>Each sequence's new keys and values go to its cache, and its queries attend to all that the cache then holds.</summary>
    private void Attend(Compute compute, TokenLayout layout, ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, Span<float> mixed)
    {
        for (var s = 0; s < layout.Caches.Length; s++)
        {
            var (cache, first, tokens) = (layout.Caches[s], layout.Starts[s], layout.Starts[s + 1] - layout.Starts[s]);
            cache.Store(_layer, k.Slice(first * KeyWidth, tokens * KeyWidth), v.Slice(first * KeyWidth, tokens * KeyWidth));
            cache.Attend(compute, _layer, q.Slice(first * QueryWidth, tokens * QueryWidth), cache.Length + tokens, _shape, mixed.Slice(first * QueryWidth, tokens * QueryWidth));
        }
    }

    /// <summary>y = rotate(norm(y + b)).</summary>
    private void Position(Compute compute, TokenLayout layout, Linear linear, Norm? norm, GrowingBuffer beforeNorm, Span<float> y)
    {
        linear.AddBias(compute, y);
        if (norm is not null)
        {
            var raw = beforeNorm.Of(y.Length);
            y.CopyTo(raw);
            norm.Forward(compute, raw, y);
        }
        _rope?.Forward(compute, layout, linear.OutFeatures / _config.HeadDim, y);
    }

    /// <summary>Takes the gradient back through rotation and norm, and y back to the linear's own output where the linear needs it.</summary>
    private void BeforeRotation(Compute compute, TokenLayout layout, Linear linear, Norm? norm, GrowingBuffer beforeNorm, Span<float> y, Span<float> dy)
    {
        _rope?.Backward(compute, layout, linear.OutFeatures / _config.HeadDim, dy);
        if (norm is not null)
        {
            var raw = beforeNorm.Of(y.Length);
            norm.BackwardInPlace(compute, raw, dy);
            raw.CopyTo(y);
        }
        else if (linear.NeedsOutput)
        {
            _rope?.Undo(compute, layout, linear.OutFeatures / _config.HeadDim, y);
        }
        if (linear.NeedsOutput)
            linear.RemoveBias(compute, y);
    }

    private static void BackwardProjection(Compute compute, Linear linear, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool wantsInput, ref bool accumulate)
    {
        linear.AddBiasGradient(compute, dy);
        var target = wantsInput || linear.NeedsInputGradient ? dx : default;
        linear.Backward(compute, x, linear.NeedsOutput ? y : default, dy, tokens, target, accumulate && wantsInput);
        accumulate |= wantsInput;
    }
}
