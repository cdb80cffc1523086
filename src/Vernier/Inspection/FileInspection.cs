namespace Vernier.Inspection;

/// <summary>What <c>inspect</c> tells. Property names in snake_case are the fields of the JSON result.</summary>
public sealed record FileInspection
{
    /// <summary>The file or folder.</summary>
    public required string Path { get; init; }

    /// <summary>gguf, safetensors, pickle or folder.</summary>
    public required string Kind { get; init; }

    /// <summary>Files that hold a split model together; 1 for one that is whole.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>Which of them was named, from 1: all are read, whichever it is; null where it is whole.</summary>
    public int? Shard { get; init; }

    /// <summary>The family's name as the file spells it; null where the file does not say.</summary>
    public string? Architecture { get; init; }

    /// <summary>How a folder packs its codes: gptq, awq, mlx, compressed-tensors, bitsandbytes or vernier; null where it does not, and for files.</summary>
    public string? Quantization { get; init; }

    /// <summary>Tokens that the model was made for; null where the file does not say.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Number of token ids; null where the file does not say.</summary>
    public int? Vocabulary { get; init; }

    /// <summary>Kind of the tokenizer, with its pre-tokenizer where that has a name; null where there is none.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Family of the chat template: chatml, llama-3, llama-2, gemma, phi, zephyr, deepseek or other; null where there is none.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>SHA-256 of the chat template's text; null where there is none.</summary>
    public string? ChatTemplateSha256 { get; init; }

    /// <summary>Where the scales of its own codes can be tuned: values of tune's --granularity. Empty where nothing is quantized, or in blocks whose scales take no factor (MXFP4, NVFP4): tune with --bits, or --method lora or full;
    /// null where it is no model that can be loaded.</summary>
    public IReadOnlyList<string>? Granularities { get; init; }

    /// <summary>What export can write after its own codes were tuned: values of --to; null where it is no model that can be loaded.</summary>
    public IReadOnlyList<string>? ExportFormats { get; init; }

    /// <summary>Number of values in all tensors.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bits of a value on average.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Bytes of the file, or of all files of the folder.</summary>
    public required long Bytes { get; init; }

    /// <summary>SHA-256 of all integer codes; null where nothing is quantized.</summary>
    public string? CodesSha256 { get; init; }

    /// <summary>Keys and shortened values of the file's header; null for folders and pickles.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Every tensor.</summary>
    public required IReadOnlyList<InspectedTensor> Tensors { get; init; }
}
