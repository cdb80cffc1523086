using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Calibration;

/// <summary>A linear whose inputs are summed up on their way.</summary>
internal sealed class ObservedLinear(Linear inner, InputSquares squares) : Linear(inner.Name, inner.InFeatures, inner.OutFeatures, inner.Bias)
{
    public Linear Inner => inner;

    public InputSquares Squares => squares;

    internal override WeightMatrix Weight => inner.Weight;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
    {
        squares.Add(x, tokens);
        inner.Forward(compute, x, tokens, y);
    }

    /// <exception cref="NotSupportedException">Always: there is nothing to train.</exception>
    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate) =>
        throw new NotSupportedException($"{Name} is being observed");
}
