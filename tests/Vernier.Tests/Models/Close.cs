namespace Vernier.Tests.Models;

internal static class Close
{
    public static void Assert(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        var (worst, at) = (-1.0, 0);
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Math.Abs((double)expected[i] - actual[i]);
            if (difference > worst || double.IsNaN(difference))
                (worst, at) = (difference, i);
            if (double.IsNaN(difference))
                break;
        }
        Xunit.Assert.True(worst <= tolerance, $"{what}: |difference| {worst:g4} > {tolerance:g4} at {at} of {expected.Length}: expected {expected[at]}, found {actual[at]}");
    }

    /// <summary>Tolerance relative to the largest expected element.</summary>
    public static void AssertRelative(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        var largest = 0.0;
        foreach (var value in expected)
            largest = Math.Max(largest, Math.Abs(value));
        Assert(expected, actual, tolerance * largest, what);
    }

    /// <summary>
    /// Of two ways to one product with activations rounded to 8 bits. They agree to 1e-6 of the largest element, unless a value lies so near the middle of two
    /// codes that it rounds up on one way and down on the other: one such code moves the logits of a small model by up to 0.6 % (both measured). It is met once
    /// in some forty comparisons, so a quarter of them may be that far apart, and all others must agree.
    /// </summary>
    public static void AssertButForFlippedCodes(IReadOnlyCollection<(float[] Expected, float[] Actual, string What)> comparisons)
    {
        Xunit.Assert.NotEmpty(comparisons);
        var flipped = new List<string>();
        foreach (var (expected, actual, what) in comparisons)
        {
            AssertRelative(expected, actual, 0.02, what);
            var largest = expected.Max(Math.Abs);
            if (expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() > 1e-5f * largest)
                flipped.Add(what);
        }
        Xunit.Assert.True(flipped.Count <= comparisons.Count / 4, $"{flipped.Count} of {comparisons.Count} differ by more than rounding: {string.Join("; ", flipped)}");
    }
}
