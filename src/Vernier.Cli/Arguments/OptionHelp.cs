using System.Globalization;
using System.Reflection;
using Vernier.Options;

namespace Vernier.Cli.Arguments;

/// <summary>How the help of an option is put together.</summary>
internal static class OptionHelp
{
    /// <summary>A summary as a sentence; one that begins with the names of methods or values keeps them as they are typed.</summary>
    public static string Sentence(string summary) => summary.Split(' ')[0][^1] is ':' or ',' ? summary : char.ToUpperInvariant(summary[0]) + summary[1..];

    /// <summary> (2 to 8), or nothing where every number of its kind will do.</summary>
    public static string Range(OptionRange range) => range.Least <= int.MinValue && range.Most >= int.MaxValue ? "" : $" ({Words(range)})";

    /// <summary> [default: 4], or nothing.</summary>
    public static string Default(object? value) => value is null or bool or ""
        ? ""
        : $" [default: {(value is Enum e ? OptionValue.NameOf(e) : Convert.ToString(value, CultureInfo.InvariantCulture)!.ToLowerInvariant())}]";

    /// <summary>The values of an option that are names.</summary>
    public static string[] Names(PropertyInfo property) => property.GetCustomAttribute<OptionAttribute>()?.Allowed?.ToArray()
        ?? ((Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) is { IsEnum: true } type ? [.. Enum.GetValues(type).Cast<Enum>().Select(OptionValue.NameOf)] : []);

    // That a billion is the end is no news to anybody.
    private static string Words(OptionRange range) => (range.Most >= 1e9 ? range with { Most = double.PositiveInfinity } : range).ToString();
}
