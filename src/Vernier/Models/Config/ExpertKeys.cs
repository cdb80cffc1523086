namespace Vernier.Models;

/// <summary>What a <c>config.json</c> says of experts.</summary>
internal static class ExpertKeys
{
    /// <exception cref="InvalidDataException">A key is missing or has a value that cannot be.</exception>
    public static ExpertsConfig Read(ConfigKeys keys) => keys.String("model_type") == "mixtral"
        ? new ExpertsConfig
        {
            Count = keys.Size("num_local_experts"),
            PerToken = keys.FindInt("num_experts_per_tok") ?? 2,
            Size = keys.Size("intermediate_size"),
            NormalizesWeights = true,
        }
        : Qwen(keys);

    private static ExpertsConfig Qwen(ConfigKeys keys)
    {
        var shared = keys.String("model_type") == "qwen2_moe";
        return new ExpertsConfig
        {
            Count = keys.Size(keys.FindInt("num_experts") is null ? "num_local_experts" : "num_experts"), // transformers 5 writes the second for Qwen 3
            PerToken = keys.Size("num_experts_per_tok"),
            Size = keys.Size("moe_intermediate_size"),
            NormalizesWeights = keys.FindBool("norm_topk_prob") ?? false,
            SharedSize = shared ? keys.Size("shared_expert_intermediate_size") : 0,
            DenseLayers = DenseLayers(keys),
        };
    }

    // Those listed, and those that are not every n-th.
    private static int[] DenseLayers(ConfigKeys keys)
    {
        var (listed, step) = (keys.FindInts("mlp_only_layers"), keys.FindInt("decoder_sparse_step") ?? 1);
        if (step < 1)
            throw keys.Wrong("decoder_sparse_step", $"{step}", "a positive number");
        return [.. Enumerable.Range(0, keys.Size("num_hidden_layers")).Where(layer => listed.Contains(layer) || (layer + 1) % step != 0)];
    }
}
