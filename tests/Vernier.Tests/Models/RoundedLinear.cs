using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tests.Models;

/// <summary>Rounds its input to 8 bits a group of 32 columns and multiplies in full precision.</summary>
internal sealed class RoundedLinear(Linear inner) : Linear(inner.Name, inner.InFeatures, inner.OutFeatures, inner.Bias)
{
    internal override WeightMatrix Weight => inner.Weight;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
    {
        var rounded = x[..(tokens * InFeatures)].ToArray();
        var order = ((PackedMatrix)Weight).Order is { } shuffled ? shuffled.Columns.ToArray() : [.. Enumerable.Range(0, InFeatures)];
        for (var t = 0; t < tokens; t++)
            foreach (var group in order.Chunk(32))
            {
                var max = 0f;
                foreach (var column in group)
                    max = MathF.Max(max, MathF.Abs(rounded[t * InFeatures + column]));
                foreach (var column in group)
                {
                    ref var v = ref rounded[t * InFeatures + column];
                    v = max == 0 ? 0 : MathF.Round(v * (127 / max)) * (max / 127);
                }
            }
        inner.Forward(compute, rounded, tokens, y);
    }

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate) =>
        throw new NotSupportedException();
}
