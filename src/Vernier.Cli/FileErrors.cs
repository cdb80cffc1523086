using System.Text.RegularExpressions;

namespace Vernier.Cli;

/// <summary>One wording for files that are not there, are folders, or may not be read: the path as it was typed, and what is wrong with it.</summary>
internal static partial class FileErrors
{
    private const string NotThere = ": no such file or folder";

    /// <summary>The message of a failure to open a file; null where it is none.</summary>
    /// <param name="args">The command line.</param>
    public static string? Describe(Exception e, string[] args)
    {
        if (Failed(e) is not { } path)
            return null;
        var shown = Shown(path, args);
        if (!Path.Exists(path) && FileAbove(path) is { } file)
            return $"{Shown(file, args)}: is a file, expected a folder";
        if (Directory.Exists(path))
            return $"{shown}: is a folder, expected a file";
        return e is UnauthorizedAccessException ? $"{shown}: permission denied" : shown + NotThere;
    }

    /// <summary>The path that could not be opened: by our own message, or by the runtime's, which names it in quotes.</summary>
    private static string? Failed(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException when e.Message.EndsWith(NotThere, StringComparison.Ordinal) => e.Message[..^NotThere.Length],
        FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException when PathIn().Match(e.Message) is { Success: true } match => match.Groups[1].Value,
        _ => null,
    };

    /// <summary>A file that stands where the path has a folder.</summary>
    private static string? FileAbove(string path)
    {
        var above = Path.GetDirectoryName(Path.GetFullPath(path));
        while (above is not null && !Path.Exists(above))
            above = Path.GetDirectoryName(above);
        return File.Exists(above) ? above : null;
    }

    private static string Shown(string told, string[] args)
    {
        var path = Path.GetFullPath(told);
        var typed = args.Where(arg => arg.Length > 0 && !arg.Contains('\0')).Select(arg => (Arg: arg, Full: Path.TrimEndingDirectorySeparator(Path.GetFullPath(arg)))).ToList();
        if (typed.FirstOrDefault(t => t.Full == path) is { Arg: { } same })
            return same;
        // A file inside a folder that was typed; where there is no such folder, that is what is missing.
        var around = typed.Where(t => path.StartsWith(t.Full + Path.DirectorySeparatorChar, StringComparison.Ordinal)).OrderBy(t => t.Full.Length).LastOrDefault();
        return around.Arg is not { } folder ? told : Directory.Exists(around.Full) ? Path.Combine(folder, path[(around.Full.Length + 1)..]) : folder;
    }

    [GeneratedRegex("^(?:Could not find|Access to the path)[^']*'(.+)'", RegexOptions.Singleline)]
    private static partial Regex PathIn();
}
