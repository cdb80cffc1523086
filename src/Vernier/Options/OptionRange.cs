using System.Globalization;

namespace Vernier.Options;

/// <summary>The numbers that an option takes.</summary>
/// <param name="Least">The smallest, or negative infinity.</param>
/// <param name="Most">The largest, or infinity.</param>
/// <param name="WithoutLeast"><paramref name="Least"/> itself is not in it.</param>
/// <param name="WithoutMost"><paramref name="Most"/> itself is not in it.</param>
internal readonly record struct OptionRange(double Least, double Most, bool WithoutLeast = false, bool WithoutMost = false)
{
    /// <summary>Reads an interval as mathematics writes it: <c>[0, 1)</c>, <c>(0, ]</c> for all that is more than 0.</summary>
    /// <exception cref="FormatException">Not of this form.</exception>
    public static OptionRange Parse(string interval)
    {
        ArgumentNullException.ThrowIfNull(interval);
        var ends = interval.Split(',', StringSplitOptions.TrimEntries);
        if (ends.Length != 2 || ends[0] is not ['[' or '(', ..] || ends[1] is not [.., ']' or ')'])
            throw new FormatException($"'{interval}' is no interval");
        return new(End(ends[0][1..], double.NegativeInfinity), End(ends[1][..^1], double.PositiveInfinity), ends[0][0] == '(', ends[1][^1] == ')');

        static double End(string text, double open) => text.Length == 0 ? open : double.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>The number lies in the range; NaN and infinity lie in none.</summary>
    public bool Contains(double value) =>
        double.IsFinite(value) && (WithoutLeast ? value > Least : value >= Least) && (WithoutMost ? value < Most : value <= Most);

    /// <summary>In words: <c>not negative</c>, <c>at least 1</c>, <c>2 to 8</c>, <c>0 to below 1</c>.</summary>
    public override string ToString() => (Low, High) switch
    {
        ("", "") => "any number",
        (var low, "") => low,
        ("", var high) => high,
        _ when WithoutLeast => $"{Low}, {High}",
        _ when WithoutMost => $"{Text(Least)} to below {Text(Most)}",
        _ => $"{Text(Least)} to {Text(Most)}",
    };

    private string Low => double.IsInfinity(Least) ? "" : WithoutLeast ? $"more than {Text(Least)}" : Least == 0 && double.IsInfinity(Most) ? "not negative" : $"at least {Text(Least)}";

    private string High => double.IsInfinity(Most) ? "" : $"{(WithoutMost ? "below" : "at most")} {Text(Most)}";

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
