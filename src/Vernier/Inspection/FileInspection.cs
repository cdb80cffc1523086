namespace Vernier.Inspection;

/// <summary>What <c>inspect</c> tells. Property names in snake_case are the fields of the JSON result.</summary>
public sealed record FileInspection
{
    /// <summary>The file or folder.</summary>
    public required string Path { get; init; }

    /// <summary>gguf, safetensors, pickle or folder.</summary>
    public required string Kind { get; init; }

    /// <summary>The family's name as the file spells it; null where the file does not say.</summary>
    public string? Architecture { get; init; }

    /// <summary>How a folder packs its codes: gptq, awq, mlx, compressed-tensors, bitsandbytes or vernier; null where it does not, and for files.</summary>
    public string? Quantization { get; init; }

    /// <summary>Number of values in all tensors.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bits of a value on average.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Bytes of the file, or of all files of the folder.</summary>
    public required long Bytes { get; init; }

    /// <summary>SHA-256 of all integer codes; null where nothing is quantized.</summary>
    public string? CodesSha256 { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    public required IReadOnlyList<InspectedTensor> Tensors { get; init; }
}
