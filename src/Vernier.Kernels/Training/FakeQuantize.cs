using System.Numerics;

namespace Vernier.Kernels;

/// <summary>Rounding a weight to its grid in the forward pass, and the straight-through gradients of doing so (LSQ, arXiv 1902.08153; L4Q, arXiv 2402.04902,
/// equations 5 to 9 and 19 to 21). For one group: v = (w - β) / s, code = round(clamp(v, low, high)), half to even.</summary>
internal static class FakeQuantize
{
    /// <summary>w ← s · (code - low) + (s · low + β): to the bit what a <see cref="PackedMatrix"/> with this scale and offset computes.</summary>
    /// <param name="weights">Weights of one group and row; overwritten.</param>
    /// <param name="low">Smallest code, signed.</param>
    /// <param name="high">Largest code, signed.</param>
    public static void Apply(Span<float> weights, float scale, float offset, float low, float high)
    {
        var packedOffset = PackedOffset(scale, offset, low);
        var i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            var (s, o, b) = (new Vector<float>(scale), new Vector<float>(packedOffset), new Vector<float>(offset));
            var (l, h) = (new Vector<float>(low), new Vector<float>(high));
            for (; i <= weights.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var part = weights[i..];
                var code = Vector.Round(Vector.Min(Vector.Max((new Vector<float>(part) - b) / s, l), h));
                Vector.FusedMultiplyAdd(code - l, s, o).CopyTo(part);
            }
        }
        for (; i < weights.Length; i++)
            weights[i] = MathF.FusedMultiplyAdd(Code(weights[i], scale, offset, low, high) - low, scale, packedOffset);
    }

    /// <summary>The signed code of one weight.</summary>
    public static float Code(float weight, float scale, float offset, float low, float high) =>
        MathF.Round(MathF.Min(MathF.Max((weight - offset) / scale, low), high));

    /// <summary>The offset that a packed weight with codes counted from 0 needs: s · low + β.</summary>
    public static float PackedOffset(float scale, float offset, float low) => MathF.FusedMultiplyAdd(scale, low, offset);

    /// <summary>From G, the gradient of the rounded weight: G ← G ∘ M with M = [low ≤ v ≤ high] (the gradient of w), and the sums
    /// ds = Σ G (M ? code - v : clamp(v)), dβ = Σ G (1 - M).</summary>
    /// <param name="weights">Weights of one group and row, before rounding.</param>
    /// <param name="gradients">G; overwritten.</param>
    public static (float Scale, float Offset) Gradient(ReadOnlySpan<float> weights, Span<float> gradients, float scale, float offset, float low, float high)
    {
        var (scaleGrad, offsetGrad) = (0f, 0f);
        var i = 0;
        if (Vector.IsHardwareAccelerated && weights.Length >= Vector<float>.Count)
        {
            var (s, b, l, h) = (new Vector<float>(scale), new Vector<float>(offset), new Vector<float>(low), new Vector<float>(high));
            var (scaleSums, offsetSums) = (Vector<float>.Zero, Vector<float>.Zero);
            for (; i <= weights.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var g = new Vector<float>(gradients[i..]);
                var v = (new Vector<float>(weights[i..]) - b) / s;
                var clamped = Vector.Min(Vector.Max(v, l), h);
                var inside = Vector.Equals(clamped, v);
                var slope = Vector.ConditionalSelect(inside, Vector.Round(clamped) - v, clamped);
                scaleSums = Vector.FusedMultiplyAdd(g, slope, scaleSums);
                offsetSums += Vector.ConditionalSelect(inside, Vector<float>.Zero, g);
                Vector.ConditionalSelect(inside, g, Vector<float>.Zero).CopyTo(gradients[i..]);
            }
            (scaleGrad, offsetGrad) = (Vector.Sum(scaleSums), Vector.Sum(offsetSums));
        }
        for (; i < weights.Length; i++)
        {
            var v = (weights[i] - offset) / scale;
            if (v >= low && v <= high)
                scaleGrad += gradients[i] * (MathF.Round(v) - v);
            else
            {
                scaleGrad += gradients[i] * MathF.Min(MathF.Max(v, low), high);
                offsetGrad += gradients[i];
                gradients[i] = 0;
            }
        }
        return (scaleGrad, offsetGrad);
    }

    /// <summary>What rounding does to weights of one group and row: how many are clipped, Σ (w - ŵ)² and Σ w².</summary>
    /// <param name="weights">Before rounding.</param>
    public static (int Clipped, double Error, double Size) Measure(ReadOnlySpan<float> weights, float scale, float offset, float low, float high)
    {
        var packedOffset = PackedOffset(scale, offset, low);
        var (clipped, error, size) = (0, 0f, 0f);
        var i = 0;
        if (Vector.IsHardwareAccelerated && weights.Length >= Vector<float>.Count)
        {
            var (s, o, b) = (new Vector<float>(scale), new Vector<float>(packedOffset), new Vector<float>(offset));
            var (l, h) = (new Vector<float>(low), new Vector<float>(high));
            var (errors, sizes, counts) = (Vector<float>.Zero, Vector<float>.Zero, Vector<int>.Zero);
            for (; i <= weights.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var w = new Vector<float>(weights[i..]);
                var v = (w - b) / s;
                var clamped = Vector.Min(Vector.Max(v, l), h);
                counts -= Vector.OnesComplement(Vector.Equals(clamped, v)); // a true lane is -1
                var difference = Vector.FusedMultiplyAdd(Vector.Round(clamped) - l, s, o) - w;
                errors = Vector.FusedMultiplyAdd(difference, difference, errors);
                sizes = Vector.FusedMultiplyAdd(w, w, sizes);
            }
            (clipped, error, size) = (Vector.Sum(counts), Vector.Sum(errors), Vector.Sum(sizes));
        }
        for (; i < weights.Length; i++)
        {
            var v = (weights[i] - offset) / scale;
            clipped += v >= low && v <= high ? 0 : 1;
            var difference = MathF.FusedMultiplyAdd(MathF.Round(MathF.Min(MathF.Max(v, low), high)) - low, scale, packedOffset) - weights[i];
            error += difference * difference;
            size += weights[i] * weights[i];
        }
        return (clipped, error, size);
    }
}
