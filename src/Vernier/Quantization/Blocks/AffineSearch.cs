namespace Vernier.Quantization.Blocks;

/// <summary>The scale and offset of least weighted error for a group; see <see cref="ScaleSearch"/>.</summary>
internal static class AffineSearch
{
    private const int Rounds = 4;
    private const float Worth = 1.2f;

    /// <summary>Shares of the range that a start cuts off at an end.</summary>
    private static readonly float[] s_cuts = [-0.04f, 0, 0.04f, 0.1f, 0.18f, 0.3f];

    /// <summary>A scale that is not negative and an offset, in fp32.</summary>
    /// <param name="levels">From 0.</param>
    /// <param name="sign">-1: the offset may not be positive; +1: not negative; 0: any.</param>
    public static (float Scale, float Offset) Best(ReadOnlySpan<float> x, ReadOnlySpan<float> w, AffineSums.Totals totals, in UniformLevels levels, int sign)
    {
        var (least, most) = (x[0], x[0]);
        foreach (var value in x)
            (least, most) = (MathF.Min(least, value), MathF.Max(most, value));
        if (sign != 0)
            (least, most) = sign < 0 ? (MathF.Min(least, 0), most) : (MathF.Max(least, 0), most);
        var ((scale, offset), error) = ((0f, 0f), float.PositiveInfinity);
        var range = most - least;
        foreach (var low in s_cuts)
            foreach (var high in s_cuts)
            {
                var start = least + low * range;
                if (start * sign < 0)
                    start = 0;
                Refine(x, w, totals, levels, sign, ((most - high * range - start) / levels.Highest, start), ref scale, ref offset, ref error);
            }
        return (scale, offset);
    }

    private static void Refine(ReadOnlySpan<float> x, ReadOnlySpan<float> w, AffineSums.Totals totals, in UniformLevels levels, int sign, (float Scale, float Offset) fit, ref float scale, ref float offset, ref float error)
    {
        for (var round = 0; round < Rounds && fit.Scale >= 0; round++)
        {
            var sums = AffineSums.Of(x, w, fit.Scale, fit.Offset, levels);
            if (sums.Error < error)
                (scale, offset, error) = (fit.Scale, fit.Offset, sums.Error);
            else if (round > 0)
                return;
            var next = sums.Solve(totals, sign);
            if (next == fit || round == 0 && sums.Error > 4 * Worth * error)
                return;
            fit = next;
        }
    }
}
