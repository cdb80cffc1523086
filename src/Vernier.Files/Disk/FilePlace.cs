using Vernier.Kernels;

namespace Vernier.Files.Disk;

/// <summary>Where two paths stand to each other on the disk: by links, hard links and other spellings too, and also where one of them does not exist yet.</summary>
internal static class FilePlace
{
    private const int MostLinks = 40; // as the system has it
    private const int MostEntries = 20_000;

    /// <summary>The path with every symbolic link on the way followed; what does not exist stays as it is spelled.</summary>
    public static string Real(string path) => Real(System.IO.Path.GetFullPath(path), 0);

    /// <summary>Both paths lead to one file or folder, or would when they exist.</summary>
    public static bool IsSame(string a, string b) => FileIdentity.Of(a).IsSameAs(FileIdentity.Of(b)) || string.Equals(Real(a), Real(b), NameComparison);

    /// <summary><paramref name="inner"/> lies inside <paramref name="folder"/>, at any depth, or would when it exists.</summary>
    public static bool IsInside(string inner, string folder)
    {
        var target = FileIdentity.Of(folder);
        var real = Real(folder);
        for (var at = System.IO.Path.GetDirectoryName(Real(inner)); at is not null; at = System.IO.Path.GetDirectoryName(at))
            if (FileIdentity.Of(at).IsSameAs(target) || string.Equals(at, real, NameComparison))
                return true;
        return false;
    }

    /// <summary>A file inside a folder, at any depth, that is the file <paramref name="path"/> leads to; null where there is none. Folders behind links are not entered.</summary>
    public static string? FindInside(string folder, string path)
    {
        var wanted = FileIdentity.Of(path);
        if (wanted.Kind != FileKind.Regular || wanted.Node == 0)
            return null;
        var all = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None, MaxRecursionDepth = 8 };
        return Directory.EnumerateFiles(folder, "*", all).Take(MostEntries).FirstOrDefault(file => FileIdentity.Of(file).IsSameAs(wanted));
    }

    private static StringComparison NameComparison => OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;

    private static string Real(string full, int links)
    {
        var root = System.IO.Path.GetPathRoot(full)!;
        var at = root;
        foreach (var part in full[root.Length..].Split(System.IO.Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            var next = System.IO.Path.Combine(at, part);
            at = links < MostLinks && LinkTarget(next) is { } target ? Real(System.IO.Path.GetFullPath(target, at), links + 1) : next;
        }
        return at;
    }

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
