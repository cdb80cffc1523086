using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>config.json of a Hugging Face folder: the source's own with another dtype and another quantization or none, or one made from the configuration.</summary>
internal static class HuggingFaceConfigWriter
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    /// <param name="quantization">Value of quantization_config; null = none.</param>
    public static void Write(LanguageModel model, string path, ElementType type, JsonObject? quantization = null)
    {
        var config = Unquantized(model);
        if (quantization is not null)
            config["quantization_config"] = quantization;
        SetType(config, type);
        WriteJson(path, config);
    }

    /// <summary>Also writes what readers of a packing look for beside config.json.</summary>
    /// <param name="type">null = as the source says.</param>
    /// <param name="method">gptq, awq or mlx.</param>
    public static void WritePacked(LanguageModel model, string folder, ElementType? type, string method, JsonObject settings)
    {
        var config = Unquantized(model);
        if (method == "mlx")
            config["quantization"] = settings.DeepClone();
        config["quantization_config"] = settings.DeepClone();
        if (type is not null)
            SetType(config, type.Value);
        WriteJson(Path.Combine(folder, "config.json"), config);
        if (method == "gptq")
            WriteJson(Path.Combine(folder, "quantize_config.json"), settings);
    }

    private static JsonObject Unquantized(LanguageModel model)
    {
        var config = model.Source.Kind == SourceKind.HuggingFace && model.Source.Path is var folder
            ? JsonNode.Parse(InputFile.ReadAllBytes(Path.Combine(folder, "config.json")))!.AsObject()
            : Build(model.Config);
        config.Remove("quantization_config");
        config.Remove("quantization"); // MLX
        return config;
    }

    private static void SetType(JsonObject config, ElementType type)
    {
        config.Remove("dtype");
        config["torch_dtype"] = type switch { ElementType.F32 => "float32", ElementType.F16 => "float16", _ => "bfloat16" };
    }

    private static void WriteJson(string path, JsonObject json) => OutputFile.WriteAllText(path, json.ToJsonString(Format) + "\n");

    /// <exception cref="NotSupportedException">The family does not come from GGUF files.</exception>
    private static JsonObject Build(ModelConfig config)
    {
        var (name, type) = config.Architecture switch
        {
            "llama" when config.AttentionWindows.Any(w => w > 0) => ("MistralForCausalLM", "mistral"),
            "llama" => ("LlamaForCausalLM", "llama"),
            "mistral" => ("MistralForCausalLM", "mistral"),
            "qwen2" => ("Qwen2ForCausalLM", "qwen2"),
            "qwen3" => ("Qwen3ForCausalLM", "qwen3"),
            _ => throw new NotSupportedException($"no config.json can be made for architecture '{config.Architecture}'"),
        };
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
            ["attention_bias"] = config.AttentionInputBias && type == "llama",
            ["mlp_bias"] = config.FeedForwardBias,
            ["tie_word_embeddings"] = config.TiedHead,
            ["use_cache"] = true,
        };
        if (config.BosTokenId is { } bos)
            json["bos_token_id"] = bos;
        if (config.EosTokenIds.Count > 0)
            json["eos_token_id"] = config.EosTokenIds[0];
        if (config.AttentionWindows.FirstOrDefault(w => w > 0) is > 0 and var window)
            json["sliding_window"] = window;
        if (config.RopeFrequencyFactors.Count > 0 || config.RopeAttentionFactor != 1)
            json["rope_scaling"] = RopeScalingOf(config);
        return json;
    }

    /// <summary>Equal factors are linear scaling. A GGUF file states Llama 3's factors one by one: the formula that gives them is looked for
    /// among the published settings (low 1, high 4, any power of two as the original context).</summary>
    private static JsonObject RopeScalingOf(ModelConfig config)
    {
        var factors = config.RopeFrequencyFactors;
        if (config.RopeAttentionFactor == 1 && factors.All(f => f == factors[0]))
            return new JsonObject { ["rope_type"] = "linear", ["factor"] = factors[0] };
        var factor = factors.Max();
        for (var original = 1 << 5; config.RopeAttentionFactor == 1 && original <= 1 << 20; original *= 2)
            if (RopeScaling.Llama3(config.RopeTheta, config.HeadDim, factor, 1, 4, original).Zip(factors).All(p => MathF.Abs(p.First - p.Second) <= 1e-4f * p.Second))
                return new JsonObject
                {
                    ["rope_type"] = "llama3",
                    ["factor"] = factor,
                    ["low_freq_factor"] = 1.0,
                    ["high_freq_factor"] = 4.0,
                    ["original_max_position_embeddings"] = original,
                };
        throw new NotSupportedException("the file states rotary frequencies (rope_freqs) that no formula of config.json gives: export --to gguf instead");
    }
}
