using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>What the files of some families say in keys of their own, or by their architecture alone.</summary>
internal static class GgufVariants
{
    private static readonly string[] s_withExperts = ["mixtral", "qwen2_moe", "qwen3_moe"];

    /// <summary>The family as config.json spells it: that of the architecture, which for "llama" with experts is Mixtral.</summary>
    public static string Family(GgufFile file, string architecture) =>
        architecture == "llama" && file.Metadata.FindInteger("llama.expert_count") > 0 ? "mixtral"
        : architecture == "mistral" ? architecture : GgufArchitecture.ToHuggingFace(architecture);

    /// <summary>Whether a family is one of experts.</summary>
    public static bool HasExperts(string family) => s_withExperts.Contains(family);

    /// <summary>The configuration with what the family adds.</summary>
    /// <exception cref="InvalidDataException">A key is missing or has a value that cannot be.</exception>
    public static ModelConfig Of(GgufFile file, string architecture, ModelConfig config) =>
        HasExperts(config.Architecture) ? config with { Experts = Experts(file, architecture, config) } : config.Architecture switch
        {
            "gpt2" => LayerNorm(config, ActivationKind.GeluTanh) with { Positions = PositionKind.Learned },
            "gpt_neox" => LayerNorm(config, ActivationKind.GeluErf) with { ParallelBlock = IsParallel(file), ParallelNorms = IsParallel(file) },
            "starcoder2" => LayerNorm(config, ActivationKind.GeluTanh),
            "falcon" => LayerNorm(config, ActivationKind.GeluErf) with { ParallelBlock = true },
            _ => config,
        };

    private static ModelConfig LayerNorm(ModelConfig config, ActivationKind activation) => config with { Norm = NormKind.LayerNorm, Activation = activation };

    private static bool IsParallel(GgufFile file) => !file.Metadata.TryGet("gptneox.use_parallel_residual", out var value) || value.AsBool();

    private static ExpertsConfig Experts(GgufFile file, string architecture, ModelConfig config)
    {
        var normalizes = config.Architecture != "qwen2_moe";
        if (file.Metadata.TryGet($"{architecture}.expert_weights_norm", out var stated) && stated.AsBool() != normalizes)
            throw new NotSupportedException($"{file.Path}: metadata: key '{stated.Key}' = {stated} is not what the architecture '{architecture}' computes");
        return new ExpertsConfig
        {
            Count = Size("expert_count"),
            PerToken = Size("expert_used_count"),
            Size = file.Metadata.FindInteger($"{architecture}.expert_feed_forward_length") is null ? config.FeedForwardSize : Size("expert_feed_forward_length"),
            NormalizesWeights = normalizes,
            SharedSize = config.Architecture == "qwen2_moe" ? Size("expert_shared_feed_forward_length") : 0,
        };

        int Size(string key) => file.Metadata.FindInteger($"{architecture}.{key}") switch
        {
            null => throw new InvalidDataException($"{file.Path}: metadata: key '{architecture}.{key}' is missing"),
            > 0 and < 1 << 28 and var value => (int)value,
            var value => throw new InvalidDataException($"{file.Path}: metadata: key '{architecture}.{key}': found {value}, expected a positive size"),
        };
    }
}
