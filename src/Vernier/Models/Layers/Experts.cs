using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A feed-forward part of several experts (mixture of experts, arXiv 2101.03961, 2401.04088): a router chooses a few for every token, and only those are computed.
/// The tokens of an expert are gathered, computed side by side, and put back times their weights. The router is frozen unless everything is trained; its gradient
/// reaches the input all the same.</summary>
/// <param name="router">[experts, hidden].</param>
/// <param name="experts">All of one size.</param>
/// <param name="shared">Computes every token beside them; null = there is none.</param>
internal sealed class Experts(ExpertsConfig config, NamedMatrix router, DenseFeedForward[] experts, SharedExpert? shared) : FeedForward
{
    private static readonly WorkspaceSlot s_inputs = new(), s_outputs = new(), s_outputGrads = new(), s_inputGrads = new(), s_weightGrads = new(), s_router = new();

    private readonly ExpertRouting _routing = new(config);
    private readonly TokenLayout _layout = new();

    public override IEnumerable<Linear> Linears => All.SelectMany(e => e.Linears);

    public override IEnumerable<Linear[][]> Stages
    {
        get
        {
            var all = All.Select(e => e.Stages.ToArray()).ToArray();
            for (var stage = 0; stage < all[0].Length; stage++)
                yield return [.. all.SelectMany(e => e[stage])];
        }
    }

    public override IEnumerable<NamedMatrix> Matrices => shared is null ? [router] : [router, shared.Gate];

    public override bool HasParameters => All.Any(e => e.HasParameters);

    public override bool NeedsOutput => true;

    private IEnumerable<DenseFeedForward> All => shared is null ? experts : [.. experts, shared.Expert];

    public override void Replace(Func<Linear, Linear> replace)
    {
        foreach (var expert in All)
            expert.Replace(replace);
    }

    public override void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, BlockActivations kept, Span<float> y)
    {
        var hidden = x.Length / layout.Tokens;
        Route(compute, x, layout.Tokens, layout.Inference ? compute.Scratch(s_router, layout.Tokens * config.Count) : kept.Router.Of(layout.Tokens * config.Count));
        var length = _routing.Tokens.Length * hidden;
        var inputs = compute.Scratch(s_inputs, length);
        TokenRows.Gather(compute.Pool, x, hidden, _routing.Tokens, [], inputs);
        var outputs = layout.Inference ? compute.Scratch(s_outputs, length) : kept.FeedForward.Output.Of(length);
        var rooms = Memory(kept.FeedForward);
        for (var e = 0; e < experts.Length; e++)
        {
            var (first, count) = PlacesOf(e);
            if (count == 0)
                continue;
            _layout.Gather(layout, _routing.Tokens.Slice(first, count));
            experts[e].Forward(compute, _layout, inputs.Slice(first * hidden, count * hidden), Part(rooms, e), outputs.Slice(first * hidden, count * hidden));
        }
        if (!y.IsEmpty)
        {
            y.Clear();
            TokenRows.Combine(compute.Pool, outputs, hidden, _routing.Places, config.PerToken, _routing.Weights, y);
        }
        shared?.AddForward(compute, layout, x, kept.SharedExpert, y);
    }

    public override void Backward(Compute compute, ReadOnlySpan<float> x, int tokens, BlockActivations kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput)
    {
        var hidden = x.Length / tokens;
        var probabilities = kept.Router.Of(tokens * config.Count);
        _routing.Choose(probabilities);
        var length = _routing.Tokens.Length * hidden;
        var inputs = compute.Scratch(s_inputs, length);
        var dOutputs = compute.Scratch(s_outputGrads, length);
        var dInputs = compute.Scratch(s_inputGrads, length);
        TokenRows.Gather(compute.Pool, x, hidden, _routing.Tokens, [], inputs);
        TokenRows.Gather(compute.Pool, dy, hidden, _routing.Tokens, _routing.Weights, dOutputs);
        var rooms = Memory(kept.FeedForward);
        var outputs = kept.FeedForward.Output.Of(length);
        for (var e = 0; e < experts.Length; e++)
        {
            var (first, count) = PlacesOf(e);
            if (count > 0)
                experts[e].Backward(compute, inputs.Slice(first * hidden, count * hidden), count, Part(rooms, e, outputs.Slice(first * hidden, count * hidden)),
                    dOutputs.Slice(first * hidden, count * hidden), dInputs.Slice(first * hidden, count * hidden), wantsInput);
        }
        if (wantsInput)
        {
            dx.Clear();
            TokenRows.Combine(compute.Pool, dInputs, hidden, _routing.Places, config.PerToken, [], dx);
        }
        if (wantsInput || router.Sum is not null)
            BackwardRouter(compute, x, tokens, outputs, dy, probabilities, wantsInput ? dx : default);
        shared?.AddBackward(compute, x, tokens, kept.SharedExpert, dy, dx, wantsInput);
    }

    private void BackwardRouter(Compute compute, ReadOnlySpan<float> x, int tokens, ReadOnlySpan<float> outputs, ReadOnlySpan<float> dy, Span<float> probabilities, Span<float> dx)
    {
        var hidden = x.Length / tokens;
        var dWeights = compute.Scratch(s_weightGrads, _routing.Tokens.Length);
        TokenRows.Dots(compute.Pool, outputs, dy, hidden, _routing.Tokens, dWeights);
        _routing.Backward(dWeights, probabilities);
        if (router.Sum is not null)
            Gemm.WeightGradient(compute.Pool, probabilities, x, tokens, config.Count, hidden, router.Sum);
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, probabilities, tokens, router.Matrix, dx, accumulate: true);
    }

    // The logits stay as they are: the backward pass makes the probabilities of them again, in place.
    private void Route(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> logits)
    {
        Gemm.Forward(compute.Pool, x, tokens, router.Matrix, logits);
        var probabilities = compute.Scratch(s_router, logits.Length);
        logits.CopyTo(probabilities);
        _routing.Choose(probabilities);
    }

    private (int First, int Count) PlacesOf(int expert) => (_routing.Starts[expert], _routing.Starts[expert + 1] - _routing.Starts[expert]);

    private FeedForwardMemory Memory(FeedForwardBuffers buffers) => experts[0].Memory(buffers, _routing.Tokens.Length, false);

    private FeedForwardMemory Part(FeedForwardMemory rooms, int expert, Span<float> output = default)
    {
        var (first, count) = PlacesOf(expert);
        return new(rooms.Gate.IsEmpty ? default : rooms.Gate.Slice(first * config.Size, count * config.Size), rooms.Up.Slice(first * config.Size, count * config.Size), output);
    }
}
