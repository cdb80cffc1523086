namespace Vernier.Models;

/// <summary>down(act(gate x) * up x), or down(act(up x)) where there is no gate: a feed-forward part, or one expert of several.</summary>
internal sealed class DenseFeedForward(ActivationKind activation, Linear? gate, Linear up, Linear down) : FeedForward
{
    public Linear? Gate { get; private set; } = gate;

    public Linear Up { get; private set; } = up;

    public Linear Down { get; private set; } = down;

    public override IEnumerable<Linear> Linears => Gate is null ? [Up, Down] : [Gate, Up, Down];

    public override IEnumerable<Linear[][]> Stages => [[Gate is null ? [Up] : [Gate, Up]], [[Down]]];

    public override bool HasParameters => (Gate?.Parameters.Count ?? 0) + Up.Parameters.Count + Down.Parameters.Count > 0;

    public override bool NeedsOutput => Down.NeedsOutput;

    public override void Replace(Func<Linear, Linear> replace)
    {
        if (Gate is not null)
            Gate = replace(Gate);
        Up = replace(Up);
        Down = replace(Down);
    }

    public override void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, BlockActivations kept, Span<float> y) =>
        Forward(compute, layout, x, Memory(kept.FeedForward, layout.Tokens, Down.NeedsOutput && !y.IsEmpty), y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, int tokens, BlockActivations kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput) =>
        Backward(compute, x, tokens, Memory(kept.FeedForward, tokens, Down.NeedsOutput), dy, dx, wantsInput);

    /// <summary>Room for the rows of one pass.</summary>
    /// <param name="output">The down projection's own results are kept too.</param>
    public FeedForwardMemory Memory(FeedForwardBuffers buffers, int rows, bool output) => new(
        Gate is null ? default : buffers.Gate.Of(rows * Up.OutFeatures),
        buffers.Up.Of(rows * Up.OutFeatures),
        output ? buffers.Output.Of(rows * Down.OutFeatures) : default);

    /// <summary>y [tokens, hidden], with bias. An empty y computes only what the backward pass reads.</summary>
    public void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, FeedForwardMemory kept, Span<float> y)
    {
        Projections.Forward(compute, layout, x, Up, kept.Up, Gate, kept.Gate);
        Gate?.AddBias(compute, kept.Gate);
        Up.AddBias(compute, kept.Up);
        if (y.IsEmpty)
            return;
        var hidden = compute.Scratch(WorkspaceSlot.Widest, kept.Up.Length);
        Activation.Forward(compute.Pool, activation, kept.Gate, kept.Up, hidden);
        Projections.Forward(compute, layout, hidden, Down, y);
        if (!kept.Output.IsEmpty)
            y.CopyTo(kept.Output);
        Down.AddBias(compute, y);
    }

    /// <summary>dx [tokens, hidden] = gradient through Forward.</summary>
    public void Backward(Compute compute, ReadOnlySpan<float> x, int tokens, FeedForwardMemory kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput)
    {
        var gate = kept.Gate;
        var up = kept.Up;
        var width = up.Length;
        var wide = compute.Scratch(WorkspaceSlot.Widest, 2 * width);
        var hidden = wide[..width];
        var dHidden = wide[width..];
        Activation.Forward(compute.Pool, activation, gate, up, hidden);
        Down.AddBiasGradient(compute, dy);
        Down.Backward(compute, hidden, Down.NeedsOutput ? kept.Output : default, dy, tokens, dHidden, false);

        // The hidden activations are no longer needed: their memory takes the gate's gradient.
        var dGate = hidden;
        var dUp = dHidden;
        Activation.Backward(compute.Pool, activation, gate, up, dHidden, dGate, dUp);
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

/// <summary>Where one pass through a feed-forward part keeps what its backward pass reads: see <see cref="FeedForwardBuffers"/>.</summary>
internal readonly ref struct FeedForwardMemory(Span<float> gate, Span<float> up, Span<float> output)
{
    public Span<float> Gate { get; } = gate;

    public Span<float> Up { get; } = up;

    /// <summary>Empty where it is not kept.</summary>
    public Span<float> Output { get; } = output;
}
