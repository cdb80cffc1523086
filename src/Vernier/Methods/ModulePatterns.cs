using System.Globalization;
using System.Text.RegularExpressions;

namespace Vernier.Tuning;

/// <summary>Values for some modules, as HF PEFT's rank_pattern and alpha_pattern give them: <c>REGEX=VALUE;REGEX=VALUE</c>. An expression must match the end
/// of a module's path from the start of one of its parts; the first that does counts.</summary>
internal static class ModulePatterns
{
    /// <summary>The entries of a text, in order.</summary>
    /// <param name="option">Name for messages.</param>
    /// <exception cref="ArgumentException">Not of this form.</exception>
    public static IReadOnlyList<(string Pattern, float Value)> Parse(string? text, string option)
    {
        if (string.IsNullOrEmpty(text))
            return [];
        return [.. text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(entry =>
        {
            var at = entry.LastIndexOf('=');
            return at > 0 && float.TryParse(entry[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value > 0
                ? (entry[..at], value)
                : throw new ArgumentException($"{option}: '{entry}' is not REGEX=VALUE with a positive value");
        })];
    }

    /// <summary>The value for a module; null where no expression matches.</summary>
    /// <exception cref="ArgumentException">Not a regular expression.</exception>
    public static float? Find(IReadOnlyList<(string Pattern, float Value)> patterns, string module)
    {
        foreach (var (pattern, value) in patterns)
            if (Regex.IsMatch(module, $@"^(.*\.)?({pattern})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(0.1)))
                return value;
        return null;
    }
}
