using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>Where a model came from and what was there: read by inspection and by an export in the same format.</summary>
public sealed class ModelSource : IDisposable
{
    internal ModelSource(string path, SourceKind kind, IReadOnlyList<SourceTensor> tensors, GgufFile? gguf = null) =>
        (Path, Kind, Tensors, Gguf) = (path, kind, tensors, gguf);

    /// <summary>The file or folder; empty for a model made in memory.</summary>
    public string Path { get; }

    public SourceKind Kind { get; }

    /// <summary>Every tensor, in the order of the file.</summary>
    public IReadOnlyList<SourceTensor> Tensors { get; }

    /// <summary>The file itself, still open, where the kind is <see cref="SourceKind.Gguf"/>: metadata, tokenizer and blocks for an export.</summary>
    public GgufFile? Gguf { get; }

    public void Dispose() => Gguf?.Dispose();
}
