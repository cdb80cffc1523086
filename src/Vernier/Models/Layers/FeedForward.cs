namespace Vernier.Models;

/// <summary>The feed-forward part of one block: down(act(gate x) * up x), or down(act(up x)) where there is no gate.</summary>
internal sealed class FeedForward(ModelConfig config, Linear? gate, Linear up, Linear down)
{
    public Linear? Gate { get; set; } = gate;

    public Linear Up { get; set; } = up;

    public Linear Down { get; set; } = down;

    public bool HasParameters => (Gate?.Parameters.Count ?? 0) + Up.Parameters.Count + Down.Parameters.Count > 0;

    /// <summary>y [tokens, hidden], with bias. An empty y computes only what the backward pass reads.</summary>
    public void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, BlockActivations kept, Span<float> y)
    {
        var width = layout.Tokens * Up.OutFeatures;
        var gate = Gate is null ? default : kept.Gate.Of(width);
        var up = kept.Up.Of(width);
        Projections.Forward(compute, layout, x, Up, up, Gate, gate);
        Gate?.AddBias(compute, gate);
        Up.AddBias(compute, up);
        if (y.IsEmpty)
            return;
        var hidden = compute.Scratch(WorkspaceSlot.Widest, width);
        Activation.Forward(compute.Pool, config.Activation, gate, up, hidden);
        Projections.Forward(compute, layout, hidden, Down, y);
        if (Down.NeedsOutput)
            y.CopyTo(kept.FeedForwardOutput.Of(y.Length));
        Down.AddBias(compute, y);
    }

    /// <summary>dx [tokens, hidden] = gradient through Forward.</summary>
    public void Backward(Compute compute, ReadOnlySpan<float> x, int tokens, BlockActivations kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput)
    {
        var width = tokens * Up.OutFeatures;
        var gate = Gate is null ? default : kept.Gate.Of(width);
        var up = kept.Up.Of(width);
        var wide = compute.Scratch(WorkspaceSlot.Widest, 2 * width);
        var hidden = wide[..width];
        var dHidden = wide[width..];
        Activation.Forward(compute.Pool, config.Activation, gate, up, hidden);
        Down.AddBiasGradient(compute, dy);
        Down.Backward(compute, hidden, Down.NeedsOutput ? kept.FeedForwardOutput.Of(dy.Length) : default, dy, tokens, dHidden, false);

        // The hidden activations are no longer needed: their memory takes the gate's gradient.
        var dGate = hidden;
        var dUp = dHidden;
        Activation.Backward(compute.Pool, config.Activation, gate, up, dHidden, dGate, dUp);
        BackwardProjection(compute, Up, x, up, dUp, tokens, dx, wantsInput, false);
        if (Gate is not null)
            BackwardProjection(compute, Gate, x, gate, dGate, tokens, dx, wantsInput, wantsInput);
    }

    private static void BackwardProjection(Compute compute, Linear linear, ReadOnlySpan<float> x, Span<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool wantsInput, bool accumulate)
    {
        linear.AddBiasGradient(compute, dy);
        if (linear.NeedsOutput)
            linear.RemoveBias(compute, y);
        var target = wantsInput || linear.NeedsInputGradient ? dx : default;
        linear.Backward(compute, x, linear.NeedsOutput ? y : default, dy, tokens, target, accumulate);
    }
}
