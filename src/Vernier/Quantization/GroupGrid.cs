namespace Vernier.Quantization;

/// <summary>The integer grid of one group: ŵ = Scale · (code - Zero), code in [0, 2^bits - 1]. All arithmetic in fp32, in the order of the formulas,
/// rounding half to even, so that codes are reproducible to the bit.</summary>
/// <param name="Scale">Step of the grid, not 0.</param>
/// <param name="Zero">The code that stands for 0.</param>
/// <param name="MaxCode">2^bits - 1.</param>
internal readonly record struct GroupGrid(float Scale, float Zero, int MaxCode)
{
    private const int ShrinkSteps = 80;
    private const double ErrorPower = 2.4;
    private const float SmallestRange = 3e-36f; // 255 steps of the smallest normal number

    /// <summary>clamp(round(w / s) + z, 0, 2^b - 1).</summary>
    public byte Encode(float weight) => (byte)Math.Clamp(MathF.Round(weight / Scale) + Zero, 0f, MaxCode);

    /// <summary>s (q - z).</summary>
    public float Decode(byte code) => Scale * (code - Zero);

    /// <summary>Encode, then decode.</summary>
    public float Round(float weight) => Decode(Encode(weight));

    /// <summary>Fits a grid to the weights of one group.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Bits outside 2 to 8.</exception>
    public static GroupGrid Fit(ReadOnlySpan<float> weights, int bits, GridKind kind)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        return kind switch
        {
            GridKind.MinMax => MinMax(weights, bits),
            GridKind.Symmetric => Symmetric(weights, bits),
            GridKind.SymmetricFullRange => SymmetricFullRange(weights, bits),
            GridKind.ClipSearch or GridKind.ClipSearchSymmetric => Search(weights, bits, kind == GridKind.ClipSearchSymmetric, out _),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    /// <summary>The clip search, with the shrinkage that won.</summary>
    /// <param name="shrink">k of p = 1 - k / 100; the first of equals.</param>
    public static GroupGrid Search(ReadOnlySpan<float> weights, int bits, bool symmetric, out int shrink)
    {
        var (low, high) = symmetric ? SymmetricRange(weights) : Range(weights);
        var maxCode = (1 << bits) - 1;
        var best = default(GroupGrid);
        var bestError = double.PositiveInfinity;
        shrink = 0;
        for (var k = 0; k < ShrinkSteps; k++)
        {
            var p = (float)(1 - k / 100.0);
            var (lowK, highK) = (p * low, p * high);
            var scale = (highK - lowK) / maxCode;
            var grid = new GroupGrid(scale, symmetric ? 1 << (bits - 1) : MathF.Round(-lowK / scale), maxCode);
            var error = grid.PowerError(weights, bestError);
            if (error < bestError)
                (best, bestError, shrink) = (grid, error, k);
        }
        return best;
    }

    private static GroupGrid MinMax(ReadOnlySpan<float> weights, int bits)
    {
        var (low, high) = Range(weights);
        var maxCode = (1 << bits) - 1;
        var scale = (high - low) / maxCode;
        return new(scale, MathF.Round(-low / scale), maxCode);
    }

    private static GroupGrid Symmetric(ReadOnlySpan<float> weights, int bits)
    {
        var (_, high) = SymmetricRange(weights);
        return new(high / ((1 << (bits - 1)) - 1), 1 << (bits - 1), (1 << bits) - 1);
    }

    private static GroupGrid SymmetricFullRange(ReadOnlySpan<float> weights, int bits)
    {
        var (_, high) = SymmetricRange(weights);
        var maxCode = (1 << bits) - 1;
        return new(2 * high / maxCode, 1 << (bits - 1), maxCode);
    }

    // A group of zeros (or of weights too small for a normal step) has no range: [-1, 1] stands in for it, and every weight becomes the code of 0.
    private static (float Low, float High) Range(ReadOnlySpan<float> weights)
    {
        var (low, high) = (0f, 0f);
        foreach (var w in weights)
        {
            low = MathF.Min(low, w);
            high = MathF.Max(high, w);
        }
        return high - low < SmallestRange ? (-1f, 1f) : (low, high);
    }

    private static (float Low, float High) SymmetricRange(ReadOnlySpan<float> weights)
    {
        var (low, high) = Range(weights);
        var max = MathF.Max(-low, high);
        return (-max, max);
    }

    private double PowerError(ReadOnlySpan<float> weights, double limit)
    {
        var error = 0.0;
        foreach (var w in weights)
        {
            error += Math.Pow(Math.Abs((double)Round(w) - w), ErrorPower);
            if (error >= limit)
                break; // cannot win any more
        }
        return error;
    }
}
