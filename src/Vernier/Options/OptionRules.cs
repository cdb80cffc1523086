using System.Globalization;
using System.Reflection;

namespace Vernier.Options;

/// <summary>Holds the values of an options record against what their <see cref="OptionAttribute"/>s take.</summary>
internal static class OptionRules
{
    /// <summary>Refuses a record with a value that its option does not take.</summary>
    /// <param name="dash">What stands in front of an option's name in messages: <c>--</c> on the command line.</param>
    /// <exception cref="ArgumentException">Names the option, the value, and what was expected.</exception>
    public static T Check<T>(T options, string dash = "")
        where T : class
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var property in typeof(T).GetProperties())
            if (property.GetCustomAttribute<OptionAttribute>() is { } about && property.GetValue(options) is { } value && Expected(about, value) is { } expected)
                throw new ArgumentException($"{dash}{about.Name} is {Spelled(value)}, expected {expected}");
        return options;
    }

    /// <summary>Refuses what <paramref name="holds"/> denies.</summary>
    internal static void Require(bool holds, string message)
    {
        if (!holds)
            throw new ArgumentException(message);
    }

    /// <summary>What the option takes instead of <paramref name="value"/>; null where it takes it.</summary>
    internal static string? Expected(OptionAttribute about, object value)
    {
        if (about.Range is { } interval && OptionRange.Parse(interval) is var range && !range.Contains(Convert.ToDouble(value, CultureInfo.InvariantCulture)))
            return range.ToString();
        if (value is Enum e && !Enum.IsDefined(e.GetType(), e))
            return AnyOf([.. Enum.GetValues(e.GetType()).Cast<Enum>().Select(OptionValue.NameOf)]);
        return about.Allowed is { } values && value is string text && !values.Contains(text, StringComparer.Ordinal) ? AnyOf(values) + Suggestion.Hint(text, values) : null;
    }

    /// <summary><c>a, b or c</c></summary>
    public static string AnyOf(IReadOnlyList<string> names) => names.Count < 2 ? string.Concat(names) : $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";

    private static string Spelled(object value) => value is string text ? $"'{text}'" : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
