using System.Text.RegularExpressions;
using Vernier.Files.Disk;

namespace Vernier.Files.Hub;

/// <summary>The part of the hub's cache that belongs to one repository, laid out as Hugging Face's own library does, so that both use the same files:
/// <c>models--OWNER--NAME/blobs/HASH</c>, <c>refs/REVISION</c> with a commit in it, <c>snapshots/COMMIT/PATH</c>, a link to its blob.</summary>
internal sealed partial class HubCache(string root, string repository)
{
    private readonly string _folder = Path.Combine(root, "models--" + repository.Replace("/", "--", StringComparison.Ordinal));

    /// <summary>Where a file's bytes are kept.</summary>
    public string Blob(HubFile file) => Path.Combine(_folder, "blobs", file.Hash);

    /// <summary>The files of a commit by their names.</summary>
    public string Snapshot(string commit) => Path.Combine(_folder, "snapshots", Commit().IsMatch(commit) ? commit : throw new InvalidDataException($"{repository}: found the commit '{commit}', expected 40 hexadecimal digits"));

    /// <summary>A file of a commit.</summary>
    public string At(string commit, string path) => Path.Combine([Snapshot(commit), .. path.Split('/')]);

    /// <summary>The commit that a revision stood for when the hub was last asked; null where it never was.</summary>
    public string? CommitOf(HubReference reference)
    {
        if (reference.IsCommit)
            return reference.Revision;
        var path = Ref(reference.Revision);
        return File.Exists(path) && File.ReadAllText(path).Trim() is var commit && Commit().IsMatch(commit) ? commit : null;
    }

    /// <summary>Notes what a revision stands for.</summary>
    public void SetCommit(HubReference reference, string commit)
    {
        Directory.CreateDirectory(Snapshot(commit));
        if (reference.IsCommit)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(Ref(reference.Revision))!);
        OutputFile.WriteAllText(Ref(reference.Revision), commit);
    }

    /// <summary>Gives the bytes of a file their name in a commit.</summary>
    public void Link(string commit, HubFile file)
    {
        var (path, blob) = (At(commit, file.Path), Blob(file));
        if (File.Exists(path) && new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName == Path.GetFullPath(blob))
            return;
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(folder);
        File.Delete(path);
        try
        {
            File.CreateSymbolicLink(path, Path.GetRelativePath(folder, blob));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && OperatingSystem.IsWindows())
        {
            File.Copy(blob, path); // links are a right that not everybody has there
        }
    }

    /// <summary>The names of the files that a commit has here.</summary>
    public IReadOnlyList<string> Files(string commit)
    {
        var snapshot = Snapshot(commit);
        return !Directory.Exists(snapshot) ? [] : [.. Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories)
            .Where(File.Exists).Select(path => Path.GetRelativePath(snapshot, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];
    }

    private string Ref(string revision) => Path.Combine([_folder, "refs", .. revision.Split('/')]);

    [GeneratedRegex(@"^[0-9a-f]{40}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Commit();
}
