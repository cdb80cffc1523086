using System.Runtime.Intrinsics;

namespace Vernier.Quantization.Blocks;

/// <summary>A group under a scale and an offset, every value at its nearest level l; see <see cref="ScaleSums"/>.</summary>
/// <param name="Error">Σ w (x - scale·l - offset)².</param>
/// <param name="First">Σ w l.</param>
/// <param name="Level">Σ w l².</param>
/// <param name="Input">Σ w l x.</param>
internal readonly record struct AffineSums(float Error, float First, float Level, float Input)
{
    /// <summary>Σ w and Σ w x of a group.</summary>
    public readonly record struct Totals(float Weight, float Input)
    {
        public static Totals Of(ReadOnlySpan<float> x, ReadOnlySpan<float> w)
        {
            var (weight, input) = (Vector256<float>.Zero, Vector256<float>.Zero);
            for (var i = 0; i < x.Length; i += Vector256<float>.Count)
            {
                weight += Vector256.Create(w[i..]);
                input += Vector256.Create(w[i..]) * Vector256.Create(x[i..]);
            }
            return new(ScaleSums.Sum(weight), ScaleSums.Sum(input));
        }
    }

    /// <param name="x">[group], a multiple of 8.</param>
    /// <param name="w">[group], none negative.</param>
    public static AffineSums Of(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float scale, float offset, in UniformLevels levels)
    {
        var (times, plus, inverse) = (Vector256.Create(scale), Vector256.Create(offset), Vector256.Create(MathF.Abs(scale) > ScaleSums.Least ? 1 / scale : 0));
        var (error, first, level, input) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        for (var i = 0; i < x.Length; i += Vector256<float>.Count)
        {
            var (value, weight) = (Vector256.Create(x[i..]), Vector256.Create(w[i..]));
            var nearest = levels.Nearest((value - plus) * inverse);
            var rest = value - (times * nearest + plus);
            var weighted = weight * nearest;
            error += weight * rest * rest;
            first += weighted;
            level += weighted * nearest;
            input += weighted * value;
        }
        return new(ScaleSums.Sum(error), ScaleSums.Sum(first), ScaleSums.Sum(level), ScaleSums.Sum(input));
    }

    /// <summary>The offset of least error for these codes and a scale.</summary>
    public float Offset(Totals totals, float scale) => (totals.Input - scale * First) / totals.Weight;

    /// <summary>The scale and the offset of least error for these codes.</summary>
    /// <param name="sign">-1: the offset may not be positive; +1: not negative; 0: any.</param>
    public (float Scale, float Offset) Solve(Totals totals, int sign)
    {
        var determinant = (double)totals.Weight * Level - (double)First * First;
        if (determinant > 1e-7 * totals.Weight * Level)
        {
            var scale = ((double)totals.Weight * Input - (double)First * totals.Input) / determinant;
            var offset = ((double)Level * totals.Input - (double)First * Input) / determinant;
            if (offset * sign >= 0)
                return ((float)scale, (float)offset);
        }
        if (Level > 0)
            return (Input / Level, 0); // one code only, or an offset of the wrong sign: none
        var mean = totals.Input / totals.Weight;
        return (0, mean * sign >= 0 ? mean : 0);
    }
}
