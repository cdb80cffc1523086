namespace Vernier.Export;

/// <summary>Choices of an export that most do without.</summary>
public sealed record ExportOptions
{
    /// <summary>hf, gptq, awq: a head that is the embedding table is written out once more as lm_head.weight, for readers that do not tie them.</summary>
    public bool Untie { get; init; }

    /// <summary>gptq: gptq (zero points less one) or gptq_v2 (as they are); null = as in a source of that packing, else gptq where all zero points are the middle one, else gptq_v2.</summary>
    public string? CheckpointFormat { get; init; }

    /// <summary>Repository (OWNER/NAME) under which others find the model that this was made from, for the card; null = by the source's path.</summary>
    public string? BaseModel { get; init; }

    /// <summary>gguf: files of at most this many bytes of tensors, NAME-00001-of-0000N.gguf, as llama.cpp splits them; null = one file.</summary>
    public long? SplitBytes { get; init; }

    /// <summary>Name of the adapter that was merged, and its method, for the card; null = none was.</summary>
    public (string Name, string Method)? Adapter { get; init; }
}
