using System.Text.RegularExpressions;

namespace Vernier.Cli;

/// <summary>One wording for files that are not there, are folders, or may not be read: the path as the command line has it, and what is wrong with it.</summary>
internal static partial class FileErrors
{
    /// <summary>The message of a failure to open a file; null where it is none, or says so already.</summary>
    /// <param name="args">Paths that stand among them are shown as they were typed.</param>
    public static string? Describe(Exception e, string[] args)
    {
        if (e is not (FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException) || PathIn().Match(e.Message) is not { Success: true } match)
            return null;
        var path = match.Groups[1].Value;
        if (e is not UnauthorizedAccessException)
            return $"{Shown(Missing(path), args)}: no such file or folder";
        return Directory.Exists(path) ? $"{Shown(path, args)}: is a folder, expected a file" : $"{Shown(path, args)}: permission denied";
    }

    /// <summary>The topmost part of the path that is not there.</summary>
    private static string Missing(string path)
    {
        while (Path.GetDirectoryName(path) is { Length: > 0 } parent && !Directory.Exists(parent))
            path = parent;
        return path;
    }

    private static string Shown(string path, string[] args)
    {
        var given = args.FirstOrDefault(arg => arg.Length > 0 && !arg.Contains('\0') && Path.GetFullPath(arg) == path);
        if (given is not null)
            return given;
        // A file inside a folder that was typed.
        var folder = args.Where(arg => arg.Length > 0 && !arg.Contains('\0') && path.StartsWith(Path.GetFullPath(arg) + Path.DirectorySeparatorChar, StringComparison.Ordinal)).MaxBy(arg => Path.GetFullPath(arg).Length);
        return folder is null ? path : Path.Combine(folder, Path.GetRelativePath(folder, path));
    }

    /// <summary>The runtime's own messages: they name the path in quotes.</summary>
    [GeneratedRegex("^(?:Could not find|Access to the path)[^']*'(.+)'", RegexOptions.Singleline)]
    private static partial Regex PathIn();
}
