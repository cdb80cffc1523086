namespace Vernier.Quantization.Blocks;

/// <summary>The scale of least weighted error for a group: from many starts, that of least squares for the codes of the start, and so on in turns.</summary>
internal static class ScaleSearch
{
    private const int Rounds = 4;
    private const float NearStep = 0.3f; // levels
    private const float Worth = 1.2f; // a start whose error after one fit is larger than this share of the best does not get there

    /// <summary>A scale in fp32, of either sign; 0 where all is 0.</summary>
    /// <param name="starts">Of each sign.</param>
    public static float Best<TLevels>(ReadOnlySpan<float> x, ReadOnlySpan<float> w, in TLevels levels, int starts)
        where TLevels : struct, ILevels
    {
        var extreme = Extreme(x);
        if (MathF.Abs(extreme) < ScaleSums.Least)
            return 0;
        var (best, error) = (0f, float.PositiveInfinity);
        // From a step wider than the range needs, to one that cuts off more than half of it: where the weights are in the middle, that can be best.
        for (var i = 0; i < starts; i++)
            Both(0.8f + 1.6f * i / starts, x, w, levels);
        // And by parts of a level around the whole range, where the best of many levels is.
        for (var i = 0; i < starts; i++)
            Both(1 + (i - starts / 2) * NearStep / levels.Highest, x, w, levels);
        return best;

        void Both(float range, ReadOnlySpan<float> x, ReadOnlySpan<float> w, in TLevels levels)
        {
            Refine(x, w, levels, extreme / (range * levels.Lowest), ref best, ref error);
            Refine(x, w, levels, extreme / (range * levels.Highest), ref best, ref error);
        }
    }

    /// <summary>The nearest scale in fp16 of least error.</summary>
    public static Half Stored<TLevels>(ReadOnlySpan<float> x, ReadOnlySpan<float> w, in TLevels levels, float scale)
        where TLevels : struct, ILevels
    {
        var middle = Halves.Nearest(scale);
        var (best, error) = (middle, ScaleSums.Of(x, w, (float)middle, levels).Error);
        foreach (var other in (ReadOnlySpan<Half>)[Halves.Down(middle), Halves.Up(middle)])
            if (ScaleSums.Of(x, w, (float)other, levels).Error is var found && found < error)
                (best, error) = (other, found);
        return best;
    }

    /// <summary>The value of the largest magnitude, with its sign.</summary>
    public static float Extreme(ReadOnlySpan<float> x)
    {
        var extreme = 0f;
        foreach (var value in x)
            if (MathF.Abs(value) > MathF.Abs(extreme))
                extreme = value;
        return extreme;
    }

    private static void Refine<TLevels>(ReadOnlySpan<float> x, ReadOnlySpan<float> w, in TLevels levels, float scale, ref float best, ref float error)
        where TLevels : struct, ILevels
    {
        for (var round = 0; round < Rounds; round++)
        {
            var sums = ScaleSums.Of(x, w, scale, levels);
            if (sums.Error < error)
                (best, error) = (scale, sums.Error);
            else if (round > 0)
                return;
            if (sums.Scale == scale || sums.ErrorAtBest(scale) > Worth * error)
                return;
            scale = sums.Scale;
        }
    }
}
