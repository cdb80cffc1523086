using System.Text;
using System.Text.RegularExpressions;

namespace Vernier.Files.Hub;

/// <summary>Names of files that a server sends: none of them leads out of the folder that it is put into.</summary>
internal static class HubPath
{
    /// <summary>The path itself, with <c>/</c> between its parts.</summary>
    /// <param name="what">For the message.</param>
    /// <exception cref="InvalidDataException">It could lead elsewhere, or no file system holds it.</exception>
    public static string Checked(string path, string what)
    {
        var bad = path.Length is 0 or > 1024 || path.Any(c => c is '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|' || char.IsControl(c))
            || path.Split('/').Any(part => part.Length is 0 or > 255 || part is "." or ".." || part[^1] is ' ' or '.');
        return bad ? throw new InvalidDataException($"the {what} '{Shortened(path)}' of the hub: found a name that leads elsewhere or cannot be written, expected names parted by /") : path;
    }

    /// <summary>Whether a path matches one of the patterns; <c>*</c> takes <c>/</c> too, as in Hugging Face's own tools. Without patterns all do.</summary>
    public static bool Matches(string path, IReadOnlyList<string> patterns) => patterns.Count == 0 || patterns.Any(pattern => Expression(pattern).IsMatch(path));

    private static Regex Expression(string pattern)
    {
        var text = new StringBuilder("^");
        foreach (var c in pattern.EndsWith('/') ? pattern + "*" : pattern)
            text.Append(c switch { '*' => ".*", '?' => ".", _ => Regex.Escape(c.ToString()) });
        return new Regex(text.Append('$').ToString(), RegexOptions.CultureInvariant | RegexOptions.Singleline | RegexOptions.NonBacktracking);
    }

    private static string Shortened(string text) => text.Length > 80 ? text[..80] + "..." : text;
}
