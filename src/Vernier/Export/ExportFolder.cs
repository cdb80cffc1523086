using Vernier.Files.Disk;

namespace Vernier.Export;

/// <summary>The folder that an export writes: whole or not there.</summary>
internal static class ExportFolder
{
    private static readonly HashSet<string> s_names = new(StringComparer.Ordinal)
    {
        "config.json", "generation_config.json", "quantize_config.json", "quant_config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
        "chat_template.jinja", "encoder.json", "vocab.bpe", "tokenizer.bin", "tekken.json",
    };

    /// <summary>Begins a folder that replaces a model that is there; other files in it stay.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static ReplacingFolder Begin(string folder) => new(folder, name => s_names.Contains(name)
        || name.StartsWith("model-", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal)
        || name.StartsWith("pytorch_model-", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal));
}
