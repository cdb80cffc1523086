namespace Vernier.Cards;

/// <summary>Paths as they may stand in files that are shared: none that tells how this machine's folders are named.</summary>
internal static class PublicPath
{
    /// <summary>A relative path as it was given, an absolute one inside the current folder relative to it, else null.</summary>
    public static string? Of(string? path)
    {
        if (string.IsNullOrEmpty(path) || !Path.IsPathRooted(path))
            return string.IsNullOrEmpty(path) ? null : path;
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
        return Path.IsPathRooted(relative) || relative == ".." || relative.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? null : relative;
    }

    /// <summary><see cref="Of"/>, or the last part of the path.</summary>
    public static string OrName(string path) => Of(path) ?? Name(path);

    /// <summary>A text with names in the place of absolute paths.</summary>
    public static string Named(string text, params ReadOnlySpan<string?> paths)
    {
        foreach (var path in paths)
            if (!string.IsNullOrEmpty(path) && Path.IsPathRooted(path))
                text = text.Replace(path, OrName(path), StringComparison.Ordinal);
        return text;
    }

    /// <summary>The last part of a path.</summary>
    public static string Name(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) is { Length: > 0 } name ? name : path;

    /// <summary>OWNER/NAME where the path lies in a cache of the Hugging Face hub, <c>models--OWNER--NAME/snapshots/REVISION</c>; else null.</summary>
    public static string? HubName(string path)
    {
        if (path.Length == 0) // a model that was made in memory
            return null;
        foreach (var part in Path.GetFullPath(path).Split(Path.DirectorySeparatorChar).Reverse())
            if (part.StartsWith("models--", StringComparison.Ordinal) && part.Length > "models--".Length)
                return part["models--".Length..].Replace("--", "/", StringComparison.Ordinal);
        return null;
    }
}
