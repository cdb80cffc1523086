using System.Text.Json.Nodes;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>config.json of the families with LayerNorm and a plain feed-forward part, whose keys have names of their own.</summary>
internal static class GptConfigWriter
{
    /// <summary>Null where the family is another one.</summary>
    public static JsonObject? Build(ModelConfig config) => config.Architecture switch
    {
        "gpt2" => Gpt2(config),
        "gpt_neox" => GptNeoX(config),
        "starcoder2" => StarCoder2(config),
        "falcon" => Falcon(config),
        _ => null,
    };

    private static JsonObject Gpt2(ModelConfig config) => new()
    {
        ["architectures"] = new JsonArray("GPT2LMHeadModel"),
        ["model_type"] = "gpt2",
        ["n_embd"] = config.HiddenSize,
        ["n_head"] = config.Heads,
        ["n_layer"] = config.Layers,
        ["n_positions"] = config.ContextLength,
        ["n_inner"] = config.FeedForwardSize,
        ["vocab_size"] = config.VocabularySize,
        ["layer_norm_epsilon"] = config.NormEpsilon,
        ["activation_function"] = NameOf(config.Activation),
        ["scale_attn_weights"] = config.AttentionScale != 1 || config.HeadDim == 1,
        ["scale_attn_by_inverse_layer_idx"] = config.AttentionScaleByLayer,
    };

    private static JsonObject GptNeoX(ModelConfig config) => Common(config, "GPTNeoXForCausalLM", new()
    {
        ["intermediate_size"] = config.FeedForwardSize,
        ["layer_norm_eps"] = config.NormEpsilon,
        ["hidden_act"] = NameOf(config.Activation),
        ["rotary_pct"] = (double)config.RotaryDim / config.HeadDim,
        ["rotary_emb_base"] = config.RopeTheta,
        ["use_parallel_residual"] = config.ParallelBlock,
        ["attention_bias"] = config.AttentionInputBias,
    });

    private static JsonObject StarCoder2(ModelConfig config) => Common(config, "Starcoder2ForCausalLM", new()
    {
        ["intermediate_size"] = config.FeedForwardSize,
        ["num_key_value_heads"] = config.KvHeads,
        ["norm_epsilon"] = config.NormEpsilon,
        ["hidden_act"] = NameOf(config.Activation),
        ["rope_theta"] = config.RopeTheta,
        ["use_bias"] = config.FeedForwardBias,
        ["sliding_window"] = config.AttentionWindows.Count == 0 ? null : config.AttentionWindows[0],
    });

    private static JsonObject Falcon(ModelConfig config) => Common(config, "FalconForCausalLM", new()
    {
        ["ffn_hidden_size"] = config.FeedForwardSize,
        ["layer_norm_epsilon"] = config.NormEpsilon,
        ["activation"] = NameOf(config.Activation),
        ["rope_theta"] = config.RopeTheta,
        ["alibi"] = false,
        ["bias"] = config.FeedForwardBias,
        ["parallel_attn"] = config.ParallelBlock,
        ["multi_query"] = config.KvHeads == 1,
        ["new_decoder_architecture"] = config.KvHeads != 1 && config.KvHeads != config.Heads,
        ["num_kv_heads"] = config.KvHeads,
        ["num_ln_in_parallel_attn"] = 1,
    });

    private static JsonObject Common(ModelConfig config, string name, JsonObject json)
    {
        json["architectures"] = new JsonArray(name);
        json["model_type"] = config.Architecture;
        json["hidden_size"] = config.HiddenSize;
        json["num_hidden_layers"] = config.Layers;
        json["num_attention_heads"] = config.Heads;
        json["vocab_size"] = config.VocabularySize;
        json["max_position_embeddings"] = config.ContextLength;
        return json;
    }

    private static string NameOf(ActivationKind activation) => activation == ActivationKind.GeluErf ? "gelu" : activation == ActivationKind.Relu ? "relu" : "gelu_pytorch_tanh";
}
