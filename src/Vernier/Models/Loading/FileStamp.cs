namespace Vernier.Models;

/// <summary>Length and last change of a file, by which it is known again.</summary>
internal sealed record FileStamp(string Path, long Length, DateTime Written)
{
    // What a model is read from; notes and results beside it may change.
    private static readonly string[] s_kinds = [".json", ".safetensors", ".bin", ".model", ".jinja", ".tiktoken", ".bpe"];

    /// <summary>The files of a model folder that are read.</summary>
    public static IReadOnlyList<FileStamp> OfModel(string folder) =>
    [
        .. Directory.EnumerateFiles(folder).Where(f => s_kinds.Contains(System.IO.Path.GetExtension(f)) || System.IO.Path.GetFileName(f) == "merges.txt").Order(StringComparer.Ordinal).Select(Of),
    ];

    /// <exception cref="InvalidDataException">The file is missing or was changed.</exception>
    public void RequireSame()
    {
        if (!File.Exists(Path))
            throw new InvalidDataException($"{Path}: is gone, and was there when the model was loaded");
        if (Of(Path) is var now && now != this)
            throw new InvalidDataException($"{Path}: changed since it was read: {now.Length} bytes of {now.Written:O}, at the start {Length} bytes of {Written:O}");
    }

    private static FileStamp Of(string path)
    {
        var info = new FileInfo(path);
        if (info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is FileInfo { Exists: true } target)
            info = target; // caches keep their files behind links
        return new(path, info.Exists ? info.Length : 0, info.LastWriteTimeUtc);
    }
}
