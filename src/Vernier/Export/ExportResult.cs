namespace Vernier.Export;

/// <summary>What was written.</summary>
/// <param name="Format">gguf, gptq, awq, mlx, hf or native.</param>
/// <param name="Path">The file or folder; of a split file the first.</param>
/// <param name="Tensors">Number of tensors.</param>
/// <param name="Bytes">Bytes of all files.</param>
/// <param name="TensorFormats">The formats that occur.</param>
public sealed record ExportResult(string Format, string Path, int Tensors, long Bytes, IReadOnlyList<string> TensorFormats)
{
    /// <summary>Files that a split GGUF file was written as; 1 for all else.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>What its user should know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Perplexity with the adapter beside the weights, where merging it was not exact; else null.</summary>
    public double? PerplexityBefore { get; init; }

    /// <summary>Perplexity after that merge.</summary>
    public double? PerplexityAfter { get; init; }
}
