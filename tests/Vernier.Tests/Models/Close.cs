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
}
