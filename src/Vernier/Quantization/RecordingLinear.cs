using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Quantization;

/// <summary>A linear that adds its inputs to calibration moments on the way.</summary>
internal sealed class RecordingLinear(Linear inner, InputMoments moments, CalibrationRows rows) : Linear(inner.Name, inner.InFeatures, inner.OutFeatures, inner.Bias)
{
    public Linear Inner => inner;

    public override WeightMatrix Weight => inner.Weight;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
    {
        foreach (var (first, count) in rows.Ranges)
            moments.Add(compute.Pool, x.Slice(first * InFeatures, count * InFeatures), count);
        inner.Forward(compute, x, tokens, y);
    }

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate) =>
        inner.Backward(compute, x, y, dy, tokens, dx, accumulate);
}
