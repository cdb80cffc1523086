using System.Globalization;

namespace Vernier.Tuning;

/// <summary>Text to the value of an option and back: command line and run file read and spell values the same way.</summary>
public static class OptionValue
{
    /// <summary>Parses <paramref name="text"/> as <paramref name="type"/>: string, int, long (a size: 400M, 1.5G), float, double, bool or an enum (its <see cref="NameOf"/>, or without dashes, any case).</summary>
    /// <exception cref="FormatException">Says which option, what was given and what was expected.</exception>
    public static object Parse(Type type, string text, string option)
    {
        var culture = CultureInfo.InvariantCulture;
        if (type == typeof(string))
            return text;
        if (type == typeof(int))
            return int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var i) ? i : throw Bad("a whole number");
        if (type == typeof(long))
            return ParseSize(text) ?? throw Bad("a size such as 400M or 1.5G");
        if (type == typeof(float))
            return float.TryParse(text, NumberStyles.Float, culture, out var f) && float.IsFinite(f) ? f : throw Bad("a number");
        if (type == typeof(double))
            return double.TryParse(text, NumberStyles.Float, culture, out var d) && double.IsFinite(d) ? d : throw Bad("a number");
        if (type == typeof(bool))
            return bool.TryParse(text, out var b) ? b : throw Bad("true or false");
        if (type.IsEnum)
            return Enum.TryParse(type, text.Replace("-", ""), ignoreCase: true, out var e) && Enum.IsDefined(type, e) && !char.IsAsciiDigit(text[0])
                ? e
                : throw Bad("one of " + string.Join(", ", Enum.GetValues(type).Cast<Enum>().Select(NameOf)));
        throw new ArgumentException($"no parser for {type}", nameof(type));

        FormatException Bad(string expected) => new($"{option}: '{text}' is not {expected}");
    }

    /// <summary>An enum's value as it is typed: LowRank is low-rank.</summary>
    public static string NameOf(Enum value) => string.Concat(value.ToString().Select((c, i) => char.IsAsciiLetterUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    private static long? ParseSize(string text)
    {
        var unit = text.Length == 0 ? 'x' : char.ToUpperInvariant(text[^1]) switch
        {
            'K' => 'K',
            'M' => 'M',
            'G' => 'G',
            _ => 'x',
        };
        var factor = unit switch { 'K' => 1e3, 'M' => 1e6, 'G' => 1e9, _ => 1 };
        var digits = unit == 'x' ? text : text[..^1];
        return double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n) && n * factor is >= 1 and < 1e18
            ? (long)(n * factor)
            : null;
    }
}
