using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>What a GGUF file may say that this decoder does not do: refused by its name, as llama.cpp refuses tensors that it has no place for.</summary>
internal static class GgufRules
{
    // Suffix of the key, and the value that changes nothing.
    private static readonly (string Key, double Neutral)[] s_neutral =
    [
        ("attention.max_alibi_bias", 0), ("attention.clamp_kqv", 0), ("attention.output_scale", 1), ("attn_logit_softcapping", 0), ("embedding_scale", 1), ("expert_gating_func", 1),
        ("expert_weights_scale", 1), ("interleave_moe_layer_step", 1), ("leading_dense_block_count", 0),
        ("final_logit_softcapping", 0), ("logit_scale", 1), ("residual_scale", 1), ("rope.scaling.alpha", 0), ("rope.scaling.yarn_attn_factor", 1),
        ("rope.scaling.yarn_log_multiplier", 0), ("rope.scaling.yarn_beta_fast", 32), ("rope.scaling.yarn_beta_slow", 1),
    ];

    /// <summary>Keys of the table above, and others, that are done in some architectures.</summary>
    private static readonly Dictionary<string, string[]> s_readBy = new(StringComparer.Ordinal)
    {
        ["gemma2"] = ["attn_logit_softcapping", "final_logit_softcapping"],
        ["gemma3"] = ["final_logit_softcapping"],
        ["granite"] = ["attention.scale", "embedding_scale", "logit_scale", "residual_scale"],
    };

    private static readonly string[] s_passedOver = ["rope_freqs.weight"];

    /// <exception cref="NotSupportedException">A key that changes the arithmetic, or a tensor that the decoder has no place for.</exception>
    public static void Check(GgufFile file, string architecture, string family, int headDim)
    {
        var read = s_readBy.GetValueOrDefault(architecture, []);
        foreach (var (name, neutral) in s_neutral)
            if (!read.Contains(name) && file.Metadata.TryGet($"{architecture}.{name}", out var value) && value.Type is not (GgufValueType.Array or GgufValueType.String or GgufValueType.Bool) && value.AsNumber() is var number
                && number != 0 && number != neutral)
                throw NotDone(value);
        if (!read.Contains("attention.scale") && file.Metadata.TryGet($"{architecture}.attention.scale", out var scale) && scale.AsNumber() is not 0 and var stated && Math.Abs(stated * Math.Sqrt(headDim) - 1) > 1e-5)
            throw NotDone(scale);
        if (file.Metadata.TryGet($"{architecture}.attention.causal", out var causal) && !causal.AsBool())
            throw NotDone(causal);
        if (family != "gpt_neox" && file.Metadata.TryGet($"{architecture}.use_parallel_residual", out var parallel) && parallel.AsBool())
            throw NotDone(parallel);
        if (file.Metadata.FindInteger($"{architecture}.expert_count") > 0 && !GgufVariants.HasExperts(family))
            throw NotDone(file.Metadata[$"{architecture}.expert_count"]);
        var names = GgufNames.Of(family);
        foreach (var tensor in file.Tensors)
            if (names.ToHuggingFace(tensor.Name) is null && !s_passedOver.Contains(tensor.Name)
                && !(tensor.Name is GgufConfig.LongFactors or GgufConfig.ShortFactors && GgufArchitecture.HasLongRope(architecture)) && !tensor.Name.Contains(".attn_rot_embd", StringComparison.Ordinal))
                throw new NotSupportedException($"{file.Path}: tensor '{tensor.Name}' has no place in a model of architecture '{architecture}' as it is computed here");

        NotSupportedException NotDone(GgufValue value) => new($"{file.Path}: metadata: key '{value.Key}' = {value} changes the arithmetic, which is not done here");
    }
}
