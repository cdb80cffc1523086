using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The expert that computes every token, times the sigmoid of a gate (Qwen 2 MoE).</summary>
/// <param name="gate">[1, hidden].</param>
internal sealed class SharedExpert(DenseFeedForward expert, NamedMatrix gate)
{
    private static readonly WorkspaceSlot s_output = new(), s_scaledGrad = new(), s_inputGrad = new(), s_gate = new(), s_gateGrad = new();

    private readonly TokenOrder _order = new();

    public DenseFeedForward Expert => expert;

    public NamedMatrix Gate => gate;

    /// <summary>y [tokens, hidden] += sigmoid(gate x) · expert(x). An empty y computes only what the backward pass reads.</summary>
    public void AddForward(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, FeedForwardBuffers kept, Span<float> y)
    {
        var width = x.Length / layout.Tokens;
        var output = layout.Inference ? compute.Scratch(s_output, x.Length) : kept.Output.Of(x.Length);
        expert.Forward(compute, layout, x, expert.Memory(kept, layout.Tokens, false), output);
        if (y.IsEmpty)
            return;
        TokenRows.Combine(compute.Pool, output, width, _order.Of(layout.Tokens), 1, Opened(compute, x, layout.Tokens), y);
    }

    /// <summary>Adds its share of the gradient with respect to x.</summary>
    public void AddBackward(Compute compute, ReadOnlySpan<float> x, int tokens, FeedForwardBuffers kept, ReadOnlySpan<float> dy, Span<float> dx, bool wantsInput)
    {
        var width = x.Length / tokens;
        var memory = expert.Memory(kept, tokens, true);
        var opened = Opened(compute, x, tokens);
        var order = _order.Of(tokens);
        var dGate = compute.Scratch(s_gateGrad, tokens);
        TokenRows.Dots(compute.Pool, memory.Output, dy, width, order, dGate);
        for (var t = 0; t < tokens; t++)
            dGate[t] *= opened[t] * (1 - opened[t]);
        var scaled = compute.Scratch(s_scaledGrad, dy.Length);
        TokenRows.Gather(compute.Pool, dy, width, order, opened, scaled);
        var own = compute.Scratch(s_inputGrad, dx.Length);
        expert.Backward(compute, x, tokens, memory, scaled, own, wantsInput);
        if (gate.Sum is not null)
            Gemm.WeightGradient(compute.Pool, dGate, x, tokens, 1, width, gate.Sum);
        if (!wantsInput)
            return;
        Residual.Add(compute.Pool, own, dx);
        Gemm.BackwardInput(compute.Pool, dGate, tokens, gate.Matrix, dx, accumulate: true);
    }

    /// <summary>[tokens].</summary>
    private Span<float> Opened(Compute compute, ReadOnlySpan<float> x, int tokens)
    {
        var opened = compute.Scratch(s_gate, tokens);
        Gemm.Forward(compute.Pool, x, tokens, gate.Matrix, opened);
        foreach (ref var value in opened)
            value = 1 / (1 + MathF.Exp(-value));
        return opened;
    }

    /// <summary>0, 1, 2, ...: every token is its own place.</summary>
    private sealed class TokenOrder
    {
        private int[] _numbers = [];

        public ReadOnlySpan<int> Of(int tokens)
        {
            if (_numbers.Length < tokens)
                _numbers = [.. Enumerable.Range(0, tokens)];
            return _numbers.AsSpan(0, tokens);
        }
    }
}
