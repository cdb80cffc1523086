namespace Vernier.Files.Gguf.Blocks;

/// <summary>The searches and conversions that ggml's reference quantizers share, in its order of operations.</summary>
internal static class Rounding
{
    /// <summary>1/d, or 0 where d is 0.</summary>
    public static float Inverse(float d) => d != 0 ? 1 / d : 0;

    /// <summary>The value of the largest magnitude, with its sign; the first one of equals.</summary>
    public static float Extreme(ReadOnlySpan<float> values)
    {
        var magnitude = 0f;
        var extreme = 0f;
        foreach (var x in values)
            if (magnitude < MathF.Abs(x))
            {
                magnitude = MathF.Abs(x);
                extreme = x;
            }
        return extreme;
    }

    /// <summary>The least and the largest value; the first one of equals.</summary>
    public static (float Least, float Largest) Range(ReadOnlySpan<float> values)
    {
        var (least, largest) = (float.MaxValue, -float.MaxValue);
        foreach (var x in values)
        {
            if (x < least)
                least = x;
            if (x > largest)
                largest = x;
        }
        return (least, largest);
    }

    /// <summary>Truncation to a code of at most <paramref name="largest"/>.</summary>
    public static byte Truncate(float value, int largest) => (byte)Math.Clamp((int)value, 0, largest);
}
