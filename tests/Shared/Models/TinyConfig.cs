using Vernier.Models;

namespace Vernier.TestSupport;

/// <summary>LLaMAs small enough for tests.</summary>
internal static class TinyConfig
{
    /// <param name="hidden">Channels; shared evenly by the heads.</param>
    /// <param name="keys">Key and value heads.</param>
    public static ModelConfig Llama(int hidden, int heads, int keys, int feedForward, int vocabulary, int layers = 2, int context = 64) => new()
    {
        Architecture = "llama",
        Layers = layers,
        HiddenSize = hidden,
        HeadDim = hidden / heads,
        RotaryDim = hidden / heads,
        Heads = heads,
        KvHeads = keys,
        FeedForwardSize = feedForward,
        VocabularySize = vocabulary,
        ContextLength = context,
        AttentionScale = 1 / MathF.Sqrt(hidden / heads),
    };
}
