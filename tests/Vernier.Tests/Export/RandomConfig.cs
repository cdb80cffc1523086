using System.Text.Json.Nodes;

namespace Vernier.Tests.Export;

/// <summary>Random config.json files of every family, in the spellings of all versions of transformers, some with keys that cannot be done.</summary>
internal sealed class RandomConfig
{
    private readonly Random _random;

    public RandomConfig(int seed)
    {
        _random = new Random(seed);
        string[] families = ["llama", "mistral", "qwen2", "qwen3", "llama", "qwen2", "phi3", "gemma2", "gemma3_text", "granite", "olmo2", "smollm3", "gpt_neo", "gptj", "opt"];
        Family = families[seed % families.Length];
        Json = Family switch
        {
            "gpt_neo" => GptNeo(),
            "gptj" => GptJ(),
            "opt" => Opt(),
            _ => Llama(),
        };
        Json["model_type"] = Family;
        Json["vocab_size"] = Vocabulary;
        Json["torch_dtype"] = "float32";
        Ids();
        Extras();
    }

    public const int Vocabulary = 40;
    public const int Context = 64;

    public string Family { get; }

    public JsonObject Json { get; }

    /// <summary>generation_config.json, or null.</summary>
    public JsonObject? Generation { get; private set; }

    private JsonObject Llama()
    {
        var heads = Of(1, 2, 4);
        var hidden = heads * Of(8, 16);
        var json = new JsonObject
        {
            ["hidden_size"] = hidden,
            ["intermediate_size"] = Of(24, 40),
            ["num_hidden_layers"] = Of(1, 2, 3),
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = heads == 4 ? Of(1, 2, 4) : Of(1, heads),
            ["max_position_embeddings"] = Context,
            ["rms_norm_eps"] = Of(1e-6, 1e-5, 1e-3),
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = Chance(0.5),
        };
        if (Family == "qwen3" || Family.StartsWith("gemma", StringComparison.Ordinal) || Chance(0.3))
            json["head_dim"] = Of(8, 12, 16);
        if (Family is "llama" or "qwen3" && Chance(0.4))
            json["attention_bias"] = Chance(0.6);
        if (Family == "llama" && Chance(0.4))
            json["mlp_bias"] = Chance(0.6);
        Rope(json);
        Windows(json);
        OfFamily(json);
        return json;
    }

    private void Rope(JsonObject json)
    {
        var theta = Of(1e4, 5e5, 1e6);
        JsonObject? scaling = null;
        if (Chance(0.6))
        {
            var type = Of("default", "linear", "llama3", "llama3", "yarn", "yarn", "dynamic", "longrope", "proportional");
            scaling = new JsonObject { [Chance(0.5) ? "rope_type" : "type"] = type };
            if (type != "default")
                scaling["factor"] = Of(2.0, 4.0, 8.0, 1.5);
            if (type is "llama3" or "yarn")
                scaling["original_max_position_embeddings"] = Of(16, 32, 20);
            if (type == "longrope")
                LongRope(json, scaling);
            if (type == "llama3")
                (scaling["low_freq_factor"], scaling["high_freq_factor"]) = (Of(1.0, 1.5), Of(4.0, 3.0));
            if (type == "yarn" && Chance(0.4))
                scaling["attention_factor"] = Of(1.0, 1.2);
            else if (type == "yarn" && Chance(0.3))
                (scaling["mscale"], scaling["mscale_all_dim"]) = (0.7, 1.1);
            if (type == "yarn" && Chance(0.3))
                (scaling["beta_fast"], scaling["beta_slow"]) = (16.0, 2.0);
            if (type == "yarn" && Chance(0.2))
                scaling["truncate"] = false;
            if (Chance(0.05))
                scaling["mrope_section"] = new JsonArray(1, 2, 1);
        }
        if (Chance(0.5))
        {
            scaling ??= new JsonObject { ["rope_type"] = "default" };
            scaling["rope_theta"] = theta;
            json["rope_parameters"] = scaling;
            return;
        }
        json["rope_theta"] = theta;
        json["rope_scaling"] = scaling;
    }

    private void LongRope(JsonObject json, JsonObject scaling)
    {
        var pairs = ((int?)json["head_dim"] ?? (Family == "qwen3" ? 128 : (int)json["hidden_size"]! / (int)json["num_attention_heads"]!)) / 2;
        (scaling["short_factor"], scaling["long_factor"]) = (Factors(1), Factors(2));
        (Chance(0.5) ? json : scaling)["original_max_position_embeddings"] = Of(16, 32);

        JsonArray Factors(double least) => [.. Enumerable.Range(0, pairs).Select(i => (JsonNode)(least + 0.1 * i))];
    }

    private void Windows(JsonObject json)
    {
        if (Chance(0.5))
            json["sliding_window"] = Chance(0.5) ? Of(5, 9, 200) : null;
        if (!Family.StartsWith("qwen", StringComparison.Ordinal) || Chance(0.5))
            return;
        json["use_sliding_window"] = Chance(0.6);
        json["max_window_layers"] = Of(0, 1, 28);
        if (Chance(0.4))
            json["layer_types"] = new JsonArray([.. Enumerable.Range(0, (int)json["num_hidden_layers"]!).Select(_ => (JsonNode)Of("full_attention", "sliding_attention"))]);
    }

    /// <summary>Keys that one family alone has, mostly with values that GGUF has a form for.</summary>
    private void OfFamily(JsonObject json)
    {
        switch (Family)
        {
            case "phi3" when Chance(0.5):
                json["partial_rotary_factor"] = Of(0.5, 1.0);
                break;
            case "granite":
                foreach (var key in (string[])["attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling"])
                    if (Chance(0.7))
                        json[key] = Of(0.25, 0.6, 1.5);
                break;
            case "smollm3" when Chance(0.3):
                json["no_rope_layers"] = new JsonArray([.. Enumerable.Range(0, (int)json["num_hidden_layers"]!).Select(_ => (JsonNode)Of(0, 1, 1))]);
                break;
            case "gemma2" or "gemma3_text":
                json["query_pre_attn_scalar"] = Chance(0.85) ? json["head_dim"]!.DeepClone() : 20;
                if (Chance(0.5))
                    json["final_logit_softcapping"] = Of(2.0, 30.0);
                if (Family == "gemma2" && Chance(0.5))
                    json["attn_logit_softcapping"] = Of(1.5, 50.0);
                if (Family == "gemma3_text" && Chance(0.3))
                    json["sliding_window_pattern"] = Of(2, 6);
                break;
        }
    }

    private JsonObject GptNeo()
    {
        var layers = Of(1, 2);
        return new JsonObject
        {
            ["hidden_size"] = 16,
            ["num_heads"] = Of(1, 2, 4),
            ["num_layers"] = layers,
            ["window_size"] = Of(4, 100),
            ["attention_types"] = new JsonArray(new JsonArray(new JsonArray(Of("global", "local")), layers)),
            ["max_position_embeddings"] = Context,
            ["activation_function"] = Of("gelu_new", "gelu", "relu"),
            ["layer_norm_epsilon"] = Of(1e-5, 1e-3),
            ["tie_word_embeddings"] = Chance(0.7),
        };
    }

    private JsonObject GptJ() => new()
    {
        ["n_embd"] = 16,
        ["n_head"] = Of(1, 2),
        ["n_layer"] = Of(1, 2),
        ["n_positions"] = Context,
        ["rotary_dim"] = Of(2, 4, 8),
        ["n_inner"] = Chance(0.5) ? 24 : null,
        ["activation_function"] = Of("gelu_new", "gelu"),
        ["tie_word_embeddings"] = false,
    };

    private JsonObject Opt() => new()
    {
        ["hidden_size"] = 16,
        ["num_attention_heads"] = Of(1, 2),
        ["num_hidden_layers"] = Of(1, 2),
        ["ffn_dim"] = 24,
        ["max_position_embeddings"] = Context,
        ["word_embed_proj_dim"] = Of(16, 12),
        ["do_layer_norm_before"] = Chance(0.6),
        ["enable_bias"] = Chance(0.8),
        ["activation_function"] = Of("relu", "gelu"),
    };

    private void Ids()
    {
        if (Chance(0.8))
            Json["bos_token_id"] = 1;
        if (Chance(0.8))
            Json["eos_token_id"] = Chance(0.5) ? 2 : new JsonArray(2, 7);
        if (Chance(0.3))
            Json["pad_token_id"] = 3;
        if (Chance(0.4))
            Generation = new JsonObject { ["eos_token_id"] = new JsonArray([.. new[] { 2, 7, 11, 13, 17 }.Take(Of(1, 3, 5)).Select(id => (JsonNode)id)]) };
    }

    private void Extras()
    {
        if (Chance(0.3))
            Json["attention_dropout"] = 0.1;
        if (Chance(0.3))
            Json["pretraining_tp"] = 1;
        if (Chance(0.08))
            Json[Of("logit_scale", "embedding_multiplier", "residual_multiplier", "partial_rotary_factor", "clip_qkv", "attn_logit_softcapping")] = 0.5;
        if (Chance(0.1))
            Json[Of("logit_scale", "embedding_multiplier", "residual_multiplier")] = 1.0;
        if (Chance(0.05) && Json.ContainsKey("hidden_act"))
            Json["hidden_act"] = "gelu";
    }

    private bool Chance(double share) => _random.NextDouble() < share;

    private T Of<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];
}
