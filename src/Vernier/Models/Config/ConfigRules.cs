using System.Text.Json;

namespace Vernier.Models;

/// <summary>Keys of a config.json that no family here reads: those that would change what is computed are refused, those that are known to change nothing are passed
/// over, and all others are told of.</summary>
internal static class ConfigRules
{
    /// <summary>Keys that change the arithmetic of some model, with the values that leave it as it is done here.</summary>
    private static readonly Dictionary<string, string[]> s_neutral = new(StringComparer.Ordinal)
    {
        ["add_cross_attention"] = ["false"],
        ["alibi"] = ["false"],
        ["attention_chunk_size"] = [],
        ["attention_multiplier"] = [],
        ["attn_logit_softcapping"] = ["0"],
        ["attn_temperature_tuning"] = ["false", "0"],
        ["clip_qkv"] = [],
        ["embedding_multiplier"] = ["1"],
        ["emb_scale"] = ["1"],
        ["final_logit_softcapping"] = ["0"],
        ["is_encoder_decoder"] = ["false"],
        ["layer_norm_elementwise_affine"] = ["true"],
        ["lm_head_bias"] = ["false"],
        ["lm_head_multiplier"] = ["1"],
        ["logit_scale"] = ["1"],
        ["logits_scaling"] = ["1"],
        ["mup_scale_factor"] = ["1"],
        ["mlp_type"] = ["\"default\""],
        ["n_routed_experts"] = ["0"],
        ["no_rope_layers"] = ["[]"],
        ["norm_type"] = ["\"layer_norm\""],
        ["num_experts"] = ["0"],
        ["num_local_experts"] = ["0"],
        ["parallel_attn"] = ["false"],
        ["partial_rotary_factor"] = ["1"],
        ["qk_layernorm"] = ["false"],
        ["query_pre_attn_scalar"] = [],
        ["residual_multiplier"] = ["1"],
        ["residual_scale"] = ["1"],
        ["rope_interleaved"] = ["false"],
        ["rotary_pct"] = ["1"],
        ["rotary_scaling_factor"] = ["1"],
        ["scale_attn_by_inverse_layer_idx"] = ["false"],
        ["scale_attn_weights"] = ["true"],
        ["scale_depth"] = [],
        ["scale_emb"] = ["1"],
        ["use_bidirectional_attention"] = ["false"],
        ["use_mrope"] = ["false"],
        ["use_parallel_residual"] = ["false"],
        ["use_qk_norm"] = ["false"],
    };

    /// <summary>Keys of the table above that the readers of some families look at, by model_type.</summary>
    private static readonly Dictionary<string, string[]> s_readBy = new(StringComparer.Ordinal)
    {
        ["falcon"] = ["parallel_attn"],
        ["gpt2"] = ["scale_attn_by_inverse_layer_idx", "scale_attn_weights"],
        ["gpt_neox"] = ["partial_rotary_factor", "rotary_pct", "use_parallel_residual"],
        ["mixtral"] = ["num_local_experts"],
        ["qwen2_moe"] = ["num_experts", "num_local_experts"],
        ["qwen3_moe"] = ["num_experts", "num_local_experts"],
        ["phi3"] = ["partial_rotary_factor"],
        ["gemma2"] = ["attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar"],
        ["gemma3_text"] = ["attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar"],
        ["granite"] = ["attention_multiplier", "embedding_multiplier", "logits_scaling", "residual_multiplier"],
        ["smollm3"] = ["no_rope_layers"],
    };

    /// <summary>Keys that the readers of the families look at.</summary>
    private static readonly string[] s_read =
    [
        "_remove_final_layer_norm", "_sliding_window_pattern", "activation", "activation_function", "attention_bias", "attention_layers", "attention_types", "bias",
        "bos_token_id", "decoder_sparse_step", "do_layer_norm_before", "enable_bias", "eos_token_id", "ffn_dim", "ffn_hidden_size", "head_dim", "hidden_act",
        "hidden_activation", "hidden_size", "intermediate_size", "layer_norm_eps", "layer_norm_epsilon", "layer_types", "max_position_embeddings", "max_window_layers",
        "mlp_bias", "mlp_only_layers", "model_type", "moe_intermediate_size", "multi_query", "n_embd", "n_head", "n_inner", "n_layer", "n_positions",
        "new_decoder_architecture", "no_rope_layer_interval", "norm_epsilon", "norm_topk_prob", "num_attention_heads", "num_experts_per_tok", "num_heads",
        "num_hidden_layers", "num_key_value_heads", "num_kv_heads", "num_layers", "num_ln_in_parallel_attn", "pad_token_id", "qkv_bias", "quantization",
        "quantization_config", "rms_norm_eps", "rope_local_base_freq", "rope_parameters", "rope_scaling", "rope_theta", "rotary_dim", "rotary_emb_base",
        "shared_expert_intermediate_size", "sliding_window", "sliding_window_pattern", "tie_word_embeddings", "use_bias", "use_sliding_window", "vocab_size",
        "window_size", "word_embed_proj_dim",
    ];

    /// <summary>Keys about training, generation, loading and the outside of the decoder.</summary>
    private static readonly string[] s_harmless =
    [
        "_attn_implementation_autoset", "_flash_attn_2_enabled", "_name_or_path", "activation_dropout", "architectures", "attention_dropout", "attn_implementation", "attn_pdrop",
        "auto_map", "bad_words_ids", "begin_suppress_tokens", "cache_implementation", "chunk_size_feed_forward", "classifier_dropout", "cross_attention_hidden_size",
        "decoder_start_token_id", "diversity_penalty", "do_sample", "dropout", "dtype", "early_stopping", "embd_pdrop", "embed_dropout", "embedding_dropout", "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty", "ffn_dropout", "finetuning_task", "forced_bos_token_id", "forced_eos_token_id", "gradient_checkpointing", "hidden_dropout", "id2label",
        "init_std", "initializer_range", "is_decoder", "is_llama_config", "label2id", "layerdrop", "length_penalty", "max_length", "min_length", "model_max_length", "n_ctx",
        "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_labels", "num_return_sequences", "original_max_position_embeddings", "output_attentions", "output_hidden_states",
        "output_router_logits", "output_scores", "prefix", "pretraining_tp", "problem_type", "pruned_heads", "remove_invalid_values", "reorder_and_upcast_attn", "repetition_penalty", "resid_dropout", "resid_pdrop", "residual_dropout", "return_dict",
        "return_dict_in_generate", "router_aux_loss_coef", "router_jitter_noise", "sep_token_id", "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "suppress_tokens",
        "task_specific_params", "temperature", "tie_encoder_decoder", "tokenizer_class", "top_k", "top_p", "torch_dtype", "torchscript", "transformers.js_config",
        "transformers_version", "typical_p", "unk_token_id", "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache", "use_return_dict",
    ];

    private static readonly HashSet<string> s_known = new([.. s_neutral.Keys, .. s_read, .. s_harmless], StringComparer.Ordinal);

    /// <exception cref="NotSupportedException">A key that changes the arithmetic in a way that is not done here.</exception>
    public static void Check(ConfigKeys keys)
    {
        foreach (var (key, neutral) in s_neutral)
            if (!IsDone(keys, key) && keys.FindAny(key) is { } value && !neutral.Any(n => Is(value, n)))
                throw new NotSupportedException($"{keys.Path}: key '{key}' = {Shown(value)} changes the arithmetic, which is not done here");
    }

    /// <summary>Whether the family's reader does what a key asks for.</summary>
    public static bool IsDone(ConfigKeys keys, string key) => keys.FindString("model_type") is { } type && s_readBy.TryGetValue(type, out var done) && done.Contains(key);

    /// <summary>Keys that nothing here knows.</summary>
    public static IReadOnlyList<string> Unknown(ConfigKeys keys) => [.. keys.Names.Where(n => !s_known.Contains(n) && keys.FindAny(n) is not null)];

    private static bool Is(JsonElement value, string neutral) => value.ValueKind == JsonValueKind.Number
        ? double.TryParse(neutral, System.Globalization.CultureInfo.InvariantCulture, out var number) && value.GetDouble() == number
        : value.GetRawText() == neutral;

    private static string Shown(JsonElement value) => value.GetRawText() is { Length: > 40 } text ? text[..40] + "..." : value.GetRawText();
}
