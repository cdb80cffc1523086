using System.Globalization;
using System.Reflection;

namespace Vernier.Options;

/// <summary>Text to the value of an option and back: command line and run file read and spell values the same way.</summary>
internal static class OptionValue
{
    /// <summary>Parses <paramref name="text"/> as the value of a property with an <see cref="OptionAttribute"/>, within its range and values.</summary>
    /// <param name="option">Its name for messages: <c>--lr</c> or <c>lr</c>.</param>
    /// <exception cref="FormatException">Says which option, what was given and what was expected.</exception>
    public static object Parse(PropertyInfo property, string text, string option)
    {
        ArgumentNullException.ThrowIfNull(property);
        var about = property.GetCustomAttribute<OptionAttribute>() ?? throw new ArgumentException($"{property.Name} is no option", nameof(property));
        var value = Parse(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, text, option, about.Range is { } range ? OptionRange.Parse(range) : null);
        return OptionRules.Expected(about, value) is { } expected ? throw new FormatException($"{option} is '{text}', expected {expected}") : value;
    }

    /// <summary>Parses <paramref name="text"/> as <paramref name="type"/>: string, int, long (a size: 400M, 1.5G), float, double, bool or an enum (its <see cref="NameOf"/>, or without dashes, any case).</summary>
    /// <param name="range">What a number must lie in; null = any.</param>
    /// <exception cref="FormatException">Says which option, what was given and what was expected.</exception>
    public static object Parse(Type type, string text, string option, OptionRange? range = null)
    {
        var culture = CultureInfo.InvariantCulture;
        if (type == typeof(string))
            return text;
        if (type == typeof(int))
            return Within(int.TryParse(text, NumberStyles.AllowLeadingSign, culture, out var i) ? i : null, i, "a whole number", int.MaxValue);
        if (type == typeof(long))
            return Within(ParseSize(text), ParseSize(text) ?? 0L, "a size such as 400M or 1.5G", 1e18);
        if (type == typeof(float))
            return Within(float.TryParse(text, NumberStyles.Float, culture, out var f) && float.IsFinite(f) ? f : null, f, "a number", float.MaxValue);
        if (type == typeof(double))
            return Within(double.TryParse(text, NumberStyles.Float, culture, out var d) && double.IsFinite(d) ? d : null, d, "a number", double.MaxValue);
        if (type == typeof(bool))
            return bool.TryParse(text, out var b) ? b : throw Bad("true or false", quoted: true);
        if (type.IsEnum)
        {
            string[] names = [.. Enum.GetValues(type).Cast<Enum>().Select(NameOf)];
            return Enum.TryParse(type, text.Replace("-", ""), ignoreCase: true, out var e) && Enum.IsDefined(type, e) && !char.IsAsciiDigit(text[0])
                ? e
                : throw Bad(OptionRules.AnyOf(names) + Suggestion.Hint(text, names), quoted: true);
        }
        throw new ArgumentException($"no parser for {type}", nameof(type));

        object Within(double? number, object value, string kind, double most)
        {
            if (number is { } n)
                return range is not { } r || r.Contains(n) ? value : throw Bad(r.ToString(), quoted: false);
            var words = range is { } within ? within.ToString() : "";
            if (!IsNumber(text) || type == typeof(long))
                throw Bad(words.Length > 0 && type != typeof(long) ? $"{kind}, {words}" : kind, quoted: true);
            // A number, but not of this kind: with a fraction, or too large to hold.
            var tooLarge = Math.Abs(double.Parse(text, NumberStyles.Float, culture)) > most;
            throw Bad(!tooLarge ? $"{kind}, {words}" : range is { } end && double.IsFinite(end.Most) ? words : $"{words}, at most {most.ToString("G7", culture)}", quoted: false);
        }

        FormatException Bad(string expected, bool quoted) => new(text.Length == 0 ? $"{option} is empty, expected {expected}" : $"{option} is {(quoted ? $"'{text}'" : text)}, expected {expected}");
    }

    /// <summary>An enum's value as it is typed: LowRank is low-rank.</summary>
    public static string NameOf(Enum value) => string.Concat(value.ToString().Select((c, i) => char.IsAsciiLetterUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    private static bool IsNumber(string text) => text.Any(char.IsAsciiDigit) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

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
