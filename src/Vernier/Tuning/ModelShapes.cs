using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Shapes of published models, for planning without a file.</summary>
internal static class ModelShapes
{
    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "llama-7b", "llama-13b", "llama-30b", "llama-65b", "llama2-7b", "llama2-13b", "llama2-70b", "llama3-8b", "llama3-70b", "open-llama-3b",
        "mistral-7b", "mixtral-8x7b", "qwen3-30b-a3b", "smollm2-135m", "smollm2-360m", "smollm2-1.7b", "qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-7b",
        "gpt-neo-1.3b", "gpt-neo-2.7b", "gpt-j-6b", "opt-1.3b", "opt-2.7b", "opt-6.7b", "opt-13b", "opt-30b", "opt-66b",
    ];

    /// <summary>The shape of a published model.</summary>
    /// <exception cref="ArgumentException">Unknown name.</exception>
    public static ModelConfig Find(string name) => name switch
    {
        "llama-7b" or "llama2-7b" => Llama(32, 4096, 32, 32, 11008, 32000),
        "llama-13b" or "llama2-13b" => Llama(40, 5120, 40, 40, 13824, 32000),
        "llama-30b" => Llama(60, 6656, 52, 52, 17920, 32000),
        "llama-65b" => Llama(80, 8192, 64, 64, 22016, 32000),
        "llama2-70b" => Llama(80, 8192, 64, 8, 28672, 32000),
        "llama3-8b" => Llama(32, 4096, 32, 8, 14336, 128256),
        "llama3-70b" => Llama(80, 8192, 64, 8, 28672, 128256),
        "open-llama-3b" => Llama(26, 3200, 32, 32, 8640, 32000),
        "mistral-7b" => Llama(32, 4096, 32, 8, 14336, 32000) with { Architecture = "mistral" },
        "mixtral-8x7b" => Llama(32, 4096, 32, 8, 14336, 32000) with { Architecture = "mixtral", Experts = Experts(8, 2, 14336) },
        "qwen3-30b-a3b" => Llama(48, 2048, 32, 4, 6144, 151936) with { Architecture = "qwen3_moe", HeadDim = 128, QkNorm = true, Experts = Experts(128, 8, 768) },
        "smollm2-135m" => Llama(30, 576, 9, 3, 1536, 49152) with { TiedHead = true },
        "smollm2-360m" => Llama(32, 960, 15, 5, 2560, 49152) with { TiedHead = true },
        "smollm2-1.7b" => Llama(24, 2048, 32, 32, 8192, 49152) with { TiedHead = true },
        "qwen2.5-0.5b" => Llama(24, 896, 14, 2, 4864, 151936) with { Architecture = "qwen2", TiedHead = true },
        "qwen2.5-1.5b" => Llama(28, 1536, 12, 2, 8960, 151936) with { Architecture = "qwen2", TiedHead = true },
        "qwen2.5-7b" => Llama(28, 3584, 28, 4, 18944, 152064) with { Architecture = "qwen2" },
        "gpt-neo-1.3b" => Plain("gpt_neo", 24, 2048, 16, 8192, 50257),
        "gpt-neo-2.7b" => Plain("gpt_neo", 32, 2560, 20, 10240, 50257),
        "gpt-j-6b" => Plain("gptj", 28, 4096, 16, 16384, 50400) with { Positions = PositionKind.RotaryInterleaved, RotaryDim = 64, ParallelBlock = true, TiedHead = false },
        "opt-1.3b" => Opt(24, 2048, 32),
        "opt-2.7b" => Opt(32, 2560, 32),
        "opt-6.7b" => Opt(32, 4096, 32),
        "opt-13b" => Opt(40, 5120, 40),
        "opt-30b" => Opt(48, 7168, 56),
        "opt-66b" => Opt(64, 9216, 72),
        _ => throw new ArgumentException($"unknown shape '{name}'; known: {string.Join(", ", Names)}", nameof(name)),
    };

    private static ModelConfig Llama(int layers, int hidden, int heads, int kvHeads, int feedForward, int vocabulary) => new()
    {
        Architecture = "llama",
        Layers = layers,
        HiddenSize = hidden,
        Heads = heads,
        KvHeads = kvHeads,
        HeadDim = hidden / heads,
        FeedForwardSize = feedForward,
        VocabularySize = vocabulary,
        ContextLength = 2048,
        AttentionScale = 1 / MathF.Sqrt(hidden / heads),
    };

    private static ExpertsConfig Experts(int count, int perToken, int size) => new() { Count = count, PerToken = perToken, Size = size, NormalizesWeights = true };

    private static ModelConfig Plain(string architecture, int layers, int hidden, int heads, int feedForward, int vocabulary) =>
        Llama(layers, hidden, heads, heads, feedForward, vocabulary) with
        {
            Architecture = architecture,
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            Activation = ActivationKind.GeluTanh,
            TiedHead = true,
        };

    private static ModelConfig Opt(int layers, int hidden, int heads) =>
        Plain("opt", layers, hidden, heads, 4 * hidden, 50272) with { Activation = ActivationKind.Relu, PositionOffset = 2 };
}
