using System.Text.Json.Nodes;
using Vernier.Files.Gguf;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>What both kinds of files say of experts.</summary>
internal static class ExpertKeysWriter
{
    /// <summary>Keys of config.json.</summary>
    public static void Add(JsonObject json, ModelConfig config)
    {
        if (config.Experts is not { } experts)
            return;
        json["num_experts_per_tok"] = experts.PerToken;
        if (config.Architecture == "mixtral")
        {
            json["intermediate_size"] = experts.Size;
            json["num_local_experts"] = experts.Count;
            json["sliding_window"] = config.AttentionWindows.Count == 0 ? null : config.AttentionWindows[0];
            return;
        }
        json["num_experts"] = experts.Count;
        json["moe_intermediate_size"] = experts.Size;
        json["norm_topk_prob"] = experts.NormalizesWeights;
        json["decoder_sparse_step"] = 1;
        json["mlp_only_layers"] = new JsonArray([.. experts.DenseLayers.Select(l => (JsonNode)l)]);
        if (experts.SharedSize > 0)
            json["shared_expert_intermediate_size"] = experts.SharedSize;
        if (config.Architecture == "qwen2_moe")
            json["qkv_bias"] = config.AttentionInputBias;
    }

    /// <summary>Metadata of a GGUF file.</summary>
    public static IEnumerable<GgufValue> Metadata(ModelConfig config, string architecture)
    {
        if (config.Experts is not { } experts)
            yield break;
        yield return GgufValue.Of($"{architecture}.expert_count", (uint)experts.Count);
        yield return GgufValue.Of($"{architecture}.expert_used_count", (uint)experts.PerToken);
        if (config.Architecture != "mixtral") // whose feed_forward_length it is
            yield return GgufValue.Of($"{architecture}.expert_feed_forward_length", (uint)experts.Size);
        if (experts.SharedSize > 0)
            yield return GgufValue.Of($"{architecture}.expert_shared_feed_forward_length", (uint)experts.SharedSize);
    }

    /// <summary>The key of config.json that a GGUF file cannot say, and why; null where it can.</summary>
    public static (string Key, string Why)? NotHeld(ModelConfig config, string architecture) =>
        config.Experts is not { } experts ? null
        : experts.DenseLayers.Count > 0 ? ("mlp_only_layers' or 'decoder_sparse_step", $"in the layout '{architecture}' all layers have experts")
        : experts.NormalizesWeights == (config.Architecture == "qwen2_moe") ? ("norm_topk_prob", $"the layout '{architecture}' implies {(experts.NormalizesWeights ? "false" : "true")}")
        : null;
}
