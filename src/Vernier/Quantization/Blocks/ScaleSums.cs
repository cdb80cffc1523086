using System.Runtime.Intrinsics;

namespace Vernier.Quantization.Blocks;

/// <summary>A group under one scale, every value at its nearest level l: what the codes cost, and what the scale of least error for these codes follows from.
/// Sums run in a fixed order, so that they are the same on every machine.</summary>
/// <param name="Error">Σ w (x - scale·l)².</param>
/// <param name="Input">Σ w l x.</param>
/// <param name="Level">Σ w l².</param>
internal readonly record struct ScaleSums(float Error, float Input, float Level)
{
    /// <summary>Below it a reciprocal is not finite; fp16 has no such scale.</summary>
    public const float Least = 1e-30f;

    /// <summary>The scale of least error for the codes.</summary>
    public float Scale => Level > 0 ? Input / Level : 0;

    /// <summary>The error of the same codes under <see cref="Scale"/>.</summary>
    public float ErrorAtBest(float scale) => Error - Level * (Scale - scale) * (Scale - scale);

    /// <param name="x">[group], a multiple of 8.</param>
    /// <param name="w">[group], none negative.</param>
    public static ScaleSums Of<TLevels>(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float scale, in TLevels levels)
        where TLevels : struct, ILevels
    {
        var (times, inverse) = (Vector256.Create(scale), Vector256.Create(MathF.Abs(scale) > Least ? 1 / scale : 0));
        var (error, input, level) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        for (var i = 0; i < x.Length; i += Vector256<float>.Count)
        {
            var (value, weight) = (Vector256.Create(x[i..]), Vector256.Create(w[i..]));
            var nearest = levels.Nearest(value * inverse);
            var rest = value - times * nearest;
            var weighted = weight * nearest;
            error += weight * rest * rest;
            input += weighted * value;
            level += weighted * nearest;
        }
        return new(Sum(error), Sum(input), Sum(level));
    }

    /// <summary>The sum of all lanes, in halves.</summary>
    public static float Sum(Vector256<float> all)
    {
        var four = all.GetLower() + all.GetUpper();
        return four[0] + four[2] + (four[1] + four[3]);
    }
}
