using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>Where a model came from and what was there: read by inspection and by an export in the same format.</summary>
public sealed class ModelSource : IDisposable
{
    private readonly IReadOnlyList<FileStamp> _stamps;

    /// <param name="stamps">The files of a folder, as they were before they were read.</param>
    internal ModelSource(string path, SourceKind kind, IReadOnlyList<SourceTensor> tensors, GgufFile? gguf = null, IReadOnlyList<FileStamp>? stamps = null)
    {
        (Path, Kind, Tensors, Gguf, _stamps) = (path, kind, tensors, gguf, stamps ?? []);
        foreach (var stamp in _stamps)
            stamp.RequireSame();
    }

    /// <summary>The file or folder; empty for a model made in memory.</summary>
    public string Path { get; }

    /// <summary>What kind of file or folder it is.</summary>
    public SourceKind Kind { get; }

    /// <summary>Every tensor, in the order of the file.</summary>
    internal IReadOnlyList<SourceTensor> Tensors { get; }

    /// <summary>What its user should know: keys of the configuration that nothing here knows.</summary>
    public IReadOnlyList<string> Notes { get; internal init; } = [];

    /// <summary>The file itself, still open, where the kind is <see cref="SourceKind.Gguf"/>: metadata, tokenizer and blocks for an export.</summary>
    public GgufFile? Gguf { get; }

    /// <summary>Refuses a source that is no longer what was loaded: an export reads from it again.</summary>
    /// <exception cref="InvalidDataException">A file is missing, or its length or the time of its last change is another.</exception>
    public void RequireUnchanged()
    {
        Gguf?.RequireUnchanged();
        foreach (var stamp in _stamps)
            stamp.RequireSame();
    }

    /// <inheritdoc/>
    public void Dispose() => Gguf?.Dispose();
}
