namespace Vernier.Models;

/// <summary>What a model was loaded from.</summary>
public enum SourceKind
{
    /// <summary>A GGUF file.</summary>
    Gguf,

    /// <summary>A folder with <c>config.json</c> and safetensors files.</summary>
    HuggingFace,

    /// <summary>Made in memory.</summary>
    Memory,
}
