namespace Vernier.Models;

/// <summary>Families whose config.json is that of LLaMA but for a few keys.</summary>
internal static class LlamaVariants
{
    /// <summary>Phi-3 and Phi-4: as LLaMA, q, k, v and gate, up stored as one; of a head only the first channels may rotate.</summary>
    public static ModelConfig Phi3(ConfigKeys keys, ModelConfig llama) => llama with
    {
        AttentionInputBias = false,
        AttentionOutputBias = false,
        FeedForwardBias = false,
        AttentionWindows = keys.FindInt("sliding_window") is { } window and > 0 ? [.. Enumerable.Repeat(window, llama.Layers)] : [],
    };
}
