using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A linear layer with nothing to train: inference, and the layers a method leaves alone.</summary>
internal sealed class FrozenLinear(string name, WeightMatrix weight, Parameter? bias = null)
    : Linear(name, weight.Columns, weight.Rows, bias)
{
    internal override WeightMatrix Weight => weight;

    internal override WeightMatrix? PlainWeight => weight;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Projections.BackwardInput(compute, dy, tokens, weight, dx, accumulate);
    }
}
