namespace Vernier.Methods.LowRankAdapters;

/// <summary>Dropout whose mask depends on the layer's seed and on the input itself: a recomputed forward pass, the backward pass and a resumed run
/// all drop the same elements without any of them being stored.</summary>
internal static class InputDropout
{
    /// <summary>The key of the mask for this input.</summary>
    public static ulong Key(int seed, ReadOnlySpan<float> x)
    {
        var key = (ulong)(uint)seed;
        foreach (var value in x[..Math.Min(64, x.Length)])
            key = Mix(key ^ BitConverter.SingleToUInt32Bits(value));
        return key;
    }

    /// <summary>destination = x with a share of elements set to 0 and the others scaled up to keep the mean.</summary>
    public static void Apply(ReadOnlySpan<float> x, ulong key, float share, Span<float> destination)
    {
        var threshold = (uint)(share * uint.MaxValue);
        var kept = 1 / (1 - share);
        for (var i = 0; i < x.Length; i++)
            destination[i] = (uint)(Mix(key + (ulong)i) >> 32) < threshold ? 0 : kept * x[i];
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    private static ulong Mix(ulong z)
    {
        z += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
