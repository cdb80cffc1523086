using System.Text.Json.Nodes;

namespace Vernier.Fingerprint.Inputs;

/// <summary>A tiny random model of a family as a Hugging Face folder has it.</summary>
/// <param name="Name">Of the folder.</param>
/// <param name="Config">config.json.</param>
/// <param name="Tensors">In fp32.</param>
internal sealed record Family(string Name, JsonObject Config, IReadOnlyList<Tensor> Tensors)
{
    public const int Vocabulary = 288;
    private const int Hidden = 64;
    private const int Wide = 160;
    private const int Layers = 2;
    private const int Context = 128;

    public static IReadOnlyList<Family> All { get; } =
    [
        Llama("llama", "llama", kv: 64, "\"tie_word_embeddings\": true, \"rope_theta\": 10000.0"),
        Llama("llama3", "llama", kv: 32, "\"attention_bias\": true, \"mlp_bias\": true, \"rope_theta\": 500000.0, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 32}"),
        Llama("linear", "llama", kv: 32, "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}"),
        Llama("yarn", "llama", kv: 64, "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 32}"),
        Llama("mistral", "mistral", kv: 32, "\"sliding_window\": 20, \"rope_theta\": 1000000.0"),
        Llama("qwen2", "qwen2", kv: 32, "\"use_sliding_window\": false, \"rope_theta\": 1000000.0"),
        Llama("qwen3", "qwen3", kv: 32, "\"head_dim\": 32, \"rope_theta\": 1000000.0, \"tie_word_embeddings\": true"),
        GptNeo(),
        GptJ(),
        Opt("opt", ""),
        Opt("opt-projected", ", \"do_layer_norm_before\": false, \"word_embed_proj_dim\": 32"),
    ];

    public static Family Find(string name) => All.First(f => f.Name == name);

    private static Family Llama(string name, string type, int kv, string more)
    {
        var config = Json($$"""
            {"model_type": "{{type}}", "hidden_size": {{Hidden}}, "intermediate_size": {{Wide}}, "num_hidden_layers": {{Layers}}, "num_attention_heads": 2, "num_key_value_heads": {{kv / 32}},
             "max_position_embeddings": {{Context}}, "rms_norm_eps": 1e-5, "hidden_act": "silu", "vocab_size": {{Vocabulary}}, "bos_token_id": 286, "eos_token_id": 287, {{more}}}
            """);
        var tensors = new TensorList(name);
        tensors.Matrix("model.embed_tokens", Vocabulary, Hidden, bias: false);
        for (var layer = 0; layer < Layers; layer++)
        {
            var block = $"model.layers.{layer}.";
            var bias = type == "qwen2" || name == "llama3";
            tensors.Gain(block + "input_layernorm", Hidden);
            tensors.Matrix(block + "self_attn.q_proj", Hidden, Hidden, bias);
            tensors.Matrix(block + "self_attn.k_proj", kv, Hidden, bias);
            tensors.Matrix(block + "self_attn.v_proj", kv, Hidden, bias);
            tensors.Matrix(block + "self_attn.o_proj", Hidden, Hidden, bias: name == "llama3");
            if (type == "qwen3")
            {
                tensors.Gain(block + "self_attn.q_norm", 32);
                tensors.Gain(block + "self_attn.k_norm", 32);
            }
            tensors.Gain(block + "post_attention_layernorm", Hidden);
            tensors.Matrix(block + "mlp.gate_proj", Wide, Hidden, bias: name == "llama3");
            tensors.Matrix(block + "mlp.up_proj", Wide, Hidden, bias: name == "llama3");
            tensors.Matrix(block + "mlp.down_proj", Hidden, Wide, bias: name == "llama3");
        }
        tensors.Gain("model.norm", Hidden);
        if (!(bool)(config["tie_word_embeddings"] ?? false))
            tensors.Matrix("lm_head", Vocabulary, Hidden, bias: false);
        return new Family(name, config, tensors.All);
    }

    private static Family GptNeo()
    {
        var config = Json($$"""
            {"model_type": "gpt_neo", "hidden_size": {{Hidden}}, "num_heads": 2, "num_layers": {{Layers}}, "intermediate_size": {{Wide}}, "max_position_embeddings": {{Context}},
             "window_size": 16, "attention_types": [[["global", "local"], 1]], "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "vocab_size": {{Vocabulary}},
             "bos_token_id": 286, "eos_token_id": 287}
            """);
        var tensors = new TensorList("gpt_neo");
        tensors.Matrix("transformer.wte", Vocabulary, Hidden, bias: false);
        tensors.Matrix("transformer.wpe", Context, Hidden, bias: false);
        for (var layer = 0; layer < Layers; layer++)
        {
            var block = $"transformer.h.{layer}.";
            tensors.Norm(block + "ln_1", Hidden);
            foreach (var projection in (string[])["q_proj", "k_proj", "v_proj", "out_proj"])
                tensors.Matrix(block + "attn.attention." + projection, Hidden, Hidden, bias: projection == "out_proj");
            tensors.Norm(block + "ln_2", Hidden);
            tensors.Matrix(block + "mlp.c_fc", Wide, Hidden, bias: true);
            tensors.Matrix(block + "mlp.c_proj", Hidden, Wide, bias: true);
        }
        tensors.Norm("transformer.ln_f", Hidden);
        return new Family("gpt_neo", config, tensors.All);
    }

    private static Family GptJ()
    {
        var config = Json($$"""
            {"model_type": "gptj", "n_embd": {{Hidden}}, "n_head": 2, "n_layer": {{Layers}}, "n_inner": {{Wide}}, "n_positions": {{Context}}, "rotary_dim": 16,
             "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "vocab_size": {{Vocabulary}}, "bos_token_id": 286, "eos_token_id": 287}
            """);
        var tensors = new TensorList("gptj");
        tensors.Matrix("transformer.wte", Vocabulary, Hidden, bias: false);
        for (var layer = 0; layer < Layers; layer++)
        {
            var block = $"transformer.h.{layer}.";
            tensors.Norm(block + "ln_1", Hidden);
            foreach (var projection in (string[])["q_proj", "k_proj", "v_proj", "out_proj"])
                tensors.Matrix(block + "attn." + projection, Hidden, Hidden, bias: false);
            tensors.Matrix(block + "mlp.fc_in", Wide, Hidden, bias: true);
            tensors.Matrix(block + "mlp.fc_out", Hidden, Wide, bias: true);
        }
        tensors.Norm("transformer.ln_f", Hidden);
        tensors.Matrix("lm_head", Vocabulary, Hidden, bias: true);
        return new Family("gptj", config, tensors.All);
    }

    private static Family Opt(string name, string more)
    {
        var config = Json($$"""
            {"model_type": "opt", "hidden_size": {{Hidden}}, "ffn_dim": {{Wide}}, "num_hidden_layers": {{Layers}}, "num_attention_heads": 2, "max_position_embeddings": {{Context}},
             "activation_function": "relu", "vocab_size": {{Vocabulary}}, "bos_token_id": 286, "eos_token_id": 287, "pad_token_id": 1{{more}}}
            """);
        var projected = config.ContainsKey("word_embed_proj_dim");
        var tensors = new TensorList(name);
        tensors.Matrix("model.decoder.embed_tokens", Vocabulary, projected ? 32 : Hidden, bias: false);
        tensors.Matrix("model.decoder.embed_positions", Context + 2, Hidden, bias: false);
        if (projected)
        {
            tensors.Matrix("model.decoder.project_in", Hidden, 32, bias: false);
            tensors.Matrix("model.decoder.project_out", 32, Hidden, bias: false);
        }
        for (var layer = 0; layer < Layers; layer++)
        {
            var block = $"model.decoder.layers.{layer}.";
            tensors.Norm(block + "self_attn_layer_norm", Hidden);
            foreach (var projection in (string[])["q_proj", "k_proj", "v_proj", "out_proj"])
                tensors.Matrix(block + "self_attn." + projection, Hidden, Hidden, bias: true);
            tensors.Norm(block + "final_layer_norm", Hidden);
            tensors.Matrix(block + "fc1", Wide, Hidden, bias: true);
            tensors.Matrix(block + "fc2", Hidden, Wide, bias: true);
        }
        if (!projected)
            tensors.Norm("model.decoder.final_layer_norm", Hidden);
        return new Family(name, config, tensors.All);
    }

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();
}
