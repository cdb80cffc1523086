using System.Text.RegularExpressions;

namespace Vernier.Files.Hub;

/// <summary>A repository of the hub at a revision, and perhaps one file of it: <c>OWNER/NAME[@REVISION][/FILE]</c>.</summary>
/// <param name="Repository">OWNER/NAME.</param>
/// <param name="Revision">A branch, a tag, a commit, or <c>refs/pr/N</c>.</param>
/// <param name="File">Path of a file in the repository; null = all of it.</param>
internal sealed partial record HubReference(string Repository, string Revision, string? File)
{
    /// <summary>What stands before a reference where a path could stand too.</summary>
    public const string Prefix = "hf:";

    private const string Main = "main";

    /// <summary>The text names a repository of the hub, not a path.</summary>
    public static bool Is(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <exception cref="InvalidDataException">It is none: says what was expected.</exception>
    public static HubReference Parse(string text)
    {
        var match = Pattern().Match(Is(text) ? text[Prefix.Length..] : text);
        if (!match.Success || ((string[])["owner", "name"]).Any(part => match.Groups[part].Value is var value && (value.Contains("--", StringComparison.Ordinal) || value.Contains("..", StringComparison.Ordinal))))
            throw new InvalidDataException($"'{text}' names no repository of the hub, expected OWNER/NAME, OWNER/NAME@REVISION or {Prefix}OWNER/NAME/FILE");
        var (revision, file) = (match.Groups["revision"].Value, match.Groups["file"].Value);
        return new HubReference(
            $"{match.Groups["owner"].Value}/{match.Groups["name"].Value}",
            revision.Length == 0 ? Main : HubPath.Checked(revision, "revision"),
            file.Length == 0 ? null : HubPath.Checked(file, "file"));
    }

    /// <summary>The revision is a commit, which never changes.</summary>
    public bool IsCommit => Commit().IsMatch(Revision);

    /// <inheritdoc/>
    public override string ToString() => Repository + (Revision == Main ? "" : "@" + Revision) + (File is null ? "" : "/" + File);

    [GeneratedRegex(@"^(?<owner>[A-Za-z0-9][A-Za-z0-9._-]{0,95})/(?<name>[A-Za-z0-9_.-]{1,96})(@(?<revision>refs/[^/@]+/[^/@]+|[^/@]+))?(/(?<file>.+))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();

    [GeneratedRegex(@"^[0-9a-f]{40}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Commit();
}
