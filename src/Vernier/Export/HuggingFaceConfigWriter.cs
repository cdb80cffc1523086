using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>config.json of a Hugging Face folder: the source's own with another dtype and another quantization or none, or one made from the configuration.</summary>
internal static class HuggingFaceConfigWriter
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    /// <param name="quantization">Value of quantization_config; null = none.</param>
    /// <param name="untie">The head is written apart from the embedding.</param>
    public static void Write(LoadedModel model, string path, ElementType type, JsonObject? quantization = null, bool untie = false)
    {
        var config = Unquantized(model);
        if (untie)
            config["tie_word_embeddings"] = false;
        if (quantization is not null)
            config["quantization_config"] = quantization;
        SetType(config, type);
        WriteJson(path, config);
    }

    /// <summary>Also writes what readers of a packing look for beside config.json.</summary>
    /// <param name="type">null = as the source says.</param>
    /// <param name="method">gptq, awq or mlx.</param>
    public static void WritePacked(LoadedModel model, string folder, ElementType? type, string method, JsonObject settings, bool untie = false)
    {
        var config = Unquantized(model);
        if (untie)
            config["tie_word_embeddings"] = false;
        if (method == "mlx")
            config["quantization"] = settings.DeepClone();
        config["quantization_config"] = settings.DeepClone();
        if (type is not null)
            SetType(config, type.Value);
        WriteJson(Path.Combine(folder, "config.json"), config);
        if (method == "gptq")
            WriteJson(Path.Combine(folder, "quantize_config.json"), settings);
    }

    private static JsonObject Unquantized(LoadedModel model)
    {
        var config = model.Source.Kind == SourceKind.HuggingFace && model.Source.Path is var folder
            ? JsonNode.Parse(InputFile.ReadAllBytes(Path.Combine(folder, "config.json")))!.AsObject()
            : Build(model.Config);
        config.Remove("quantization_config");
        config.Remove("quantization"); // MLX
        config.Remove("_name_or_path"); // a folder of the machine that made it
        return config;
    }

    private static void SetType(JsonObject config, ElementType type)
    {
        config.Remove("dtype");
        config["torch_dtype"] = type switch { ElementType.F32 => "float32", ElementType.F16 => "float16", _ => "bfloat16" };
    }

    private static void WriteJson(string path, JsonObject json) => OutputFile.WriteAllText(path, json.ToJsonString(Format) + "\n");

    /// <exception cref="NotSupportedException">No family of Hugging Face's computes what the model does: names the key.</exception>
    private static JsonObject Build(ModelConfig config)
    {
        var windows = config.AttentionWindows.Where(w => w > 0).Distinct().ToList();
        if (windows.Count > 1)
            throw Refused("sliding_window", "the windows differ from layer to layer");
        var json = GptConfigWriter.Build(config) ?? Llama(config, windows);
        json.TryAdd("tie_word_embeddings", config.TiedHead);
        json.TryAdd("use_cache", true);
        if (config.BosTokenId is { } bos)
            json["bos_token_id"] = bos;
        if (config.EosTokenIds.Count > 0)
            json["eos_token_id"] = config.EosTokenIds.Count == 1 ? config.EosTokenIds[0] : new JsonArray([.. config.EosTokenIds.Select(id => (JsonNode)id)]);
        if (config.PaddingTokenId is { } padding)
            json["pad_token_id"] = padding;
        if (config.RopeFrequencyFactors.Count > 0 || config.RopeAttentionFactor != 1 || config.RopeFormula is not null)
            json["rope_scaling"] = RopeScalingOf(config);
        return json;
    }

    private static JsonObject Llama(ModelConfig config, List<int> windows)
    {
        var (name, type) = Names(config, windows);
        RequireHeld(config, type);
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(name),
            ["model_type"] = type,
            ["hidden_size"] = config.HiddenSize,
            ["intermediate_size"] = config.FeedForwardSize,
            ["num_hidden_layers"] = config.Layers,
            ["num_attention_heads"] = config.Heads,
            ["num_key_value_heads"] = config.KvHeads,
            ["head_dim"] = config.HeadDim,
            ["vocab_size"] = config.VocabularySize,
            ["max_position_embeddings"] = config.ContextLength,
            ["rms_norm_eps"] = config.NormEpsilon,
            ["rope_theta"] = config.RopeTheta,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = config.TiedHead,
            ["use_cache"] = true,
        };
        ExpertKeysWriter.Add(json, config);
        if (type is "llama" or "qwen3" or "qwen3_moe" or "granite" or "olmo2" or "smollm3" or "gemma2" or "gemma3_text")
            json["attention_bias"] = config.AttentionInputBias;
        if (type is "llama" or "granite" or "smollm3")
            json["mlp_bias"] = config.FeedForwardBias;
        AddWindows(json, config, type, windows);
        HuggingFaceFamilyKeys.Add(json, config);
        return json;
    }

    /// <summary>The class and the model_type.</summary>
    private static (string Name, string Type) Names(ModelConfig config, List<int> windows) => config.Architecture switch
    {
        "llama" or "mistral" when windows.Count > 0 && config.AttentionWindows.All(w => w > 0) => ("MistralForCausalLM", "mistral"),
        "llama" or "mistral" when windows.Count > 0 => throw Refused("sliding_window", "only some layers have it"),
        "llama" => ("LlamaForCausalLM", "llama"),
        "mistral" => ("MistralForCausalLM", "mistral"),
        "qwen2" => ("Qwen2ForCausalLM", "qwen2"),
        "qwen3" => ("Qwen3ForCausalLM", "qwen3"),
        "mixtral" => ("MixtralForCausalLM", "mixtral"),
        "qwen2_moe" => ("Qwen2MoeForCausalLM", "qwen2_moe"),
        "qwen3_moe" => ("Qwen3MoeForCausalLM", "qwen3_moe"),
        "phi3" => ("Phi3ForCausalLM", "phi3"),
        "gemma2" => ("Gemma2ForCausalLM", "gemma2"),
        "gemma3_text" => ("Gemma3ForCausalLM", "gemma3_text"),
        "granite" => ("GraniteForCausalLM", "granite"),
        "olmo2" => ("Olmo2ForCausalLM", "olmo2"),
        "smollm3" => ("SmolLM3ForCausalLM", "smollm3"),
        _ => throw new NotSupportedException($"no config.json can be made for architecture '{config.Architecture}'"),
    };

    private static void AddWindows(JsonObject json, ModelConfig config, string type, List<int> windows)
    {
        if (type is "mistral" or "phi3" or "smollm3" or "gemma2" or "gemma3_text")
            json["sliding_window"] = windows.Count > 0 ? windows[0] : null;
        if (type is "mistral" or "phi3" || windows.Count == 0)
            return;
        json["use_sliding_window"] = true;
        json["sliding_window"] = windows[0];
        json["layer_types"] = new JsonArray([.. config.AttentionWindows.Select(w => (JsonNode)(w > 0 ? "sliding_attention" : "full_attention"))]);
        if (type.StartsWith("qwen", StringComparison.Ordinal))
            json["max_window_layers"] = config.AttentionWindows.TakeWhile(w => w == 0).Count();
    }

    private static void RequireHeld(ModelConfig config, string type)
    {
        if (type is "qwen2" or "qwen2_moe" ? (type == "qwen2" && !config.AttentionInputBias) || config.AttentionOutputBias : config.AttentionInputBias != config.AttentionOutputBias || (type is "mistral" or "mixtral" or "phi3" && config.AttentionInputBias))
            throw Refused("attention_bias", $"{type} has no such choice of biases");
        if (config.FeedForwardBias && type is not ("llama" or "granite" or "smollm3"))
            throw Refused("mlp_bias", $"{type} has none");
        if (config.QkNorm != (type is "qwen3" or "qwen3_moe" or "gemma3_text" or "olmo2"))
            throw new NotSupportedException($"no config.json says {(config.QkNorm ? "that" : "no")} queries and keys are normalised in {type}: export --to gguf instead");
    }

    private static NotSupportedException Refused(string key, string why) => new($"config.json's key '{key}' cannot say what the model does: {why}. Export --to gguf instead");

    /// <summary>The formula where it is known. Else equal factors are linear scaling, and for factors that a GGUF file states one by one, the formula that gives them is looked
    /// for among the published settings of Llama 3 (low 1, high 4, any power of two as the original context).</summary>
    private static JsonObject RopeScalingOf(ModelConfig config)
    {
        if (config.RopeFormula is { } formula && (formula.Type is RopeFormula.Yarn or RopeFormula.LongRope || config.RopeAttentionFactor == 1))
            return RopeHint.ToJson(formula, config.RopeAttentionFactor);
        var factors = config.RopeFrequencyFactors;
        if (config.RopeAttentionFactor != 1 || factors.Count == 0)
            throw Refused("rope_scaling", "the file states an attention factor (rope.scaling.attn_factor) outside of YaRN");
        if (factors.All(f => f == factors[0]))
            return RopeHint.ToJson(new RopeFormula { Type = RopeFormula.Linear, Factor = factors[0] }, 1);
        var factor = factors.Max();
        for (var original = 1 << 5; original <= 1 << 20; original *= 2)
            if (RopeScaling.Llama3(config.RopeTheta, config.HeadDim, factor, 1, 4, original).Zip(factors).All(p => MathF.Abs(p.First - p.Second) <= 1e-4f * p.Second))
                return RopeHint.ToJson(new RopeFormula { Type = RopeFormula.Llama3, Factor = factor, OriginalContext = original }, 1);
        throw new NotSupportedException("the file states rotary frequencies (rope_freqs) that no formula of config.json's key 'rope_scaling' gives: export --to gguf instead");
    }
}
