using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Calibration;

/// <summary>A linear that is still to be quantized, in a pass that only looks at inputs: it adds its own to calibration moments, or does nothing,
/// and answers 0, for nothing behind it is looked at.</summary>
/// <param name="moments">null = its inputs are not looked at.</param>
/// <param name="rows">Which inputs count; null = all.</param>
internal sealed class RecordingLinear(Linear inner, InputMoments? moments, CalibrationRows? rows) : Linear(inner.Name, inner.InFeatures, inner.OutFeatures, inner.Bias)
{
    public Linear Inner => inner;

    internal override WeightMatrix Weight => inner.Weight;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
    {
        if (rows is null)
            moments?.Add(compute.Pool, x, tokens);
        else if (moments is not null)
            foreach (var (first, count) in rows.Ranges)
                moments.Add(compute.Pool, x.Slice(first * InFeatures, count * InFeatures), count);
        y.Clear();
    }

    /// <exception cref="NotSupportedException">Always: there is nothing to train.</exception>
    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate) =>
        throw new NotSupportedException($"{Name} is being calibrated");
}
