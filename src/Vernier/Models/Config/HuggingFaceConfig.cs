using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Models;

/// <summary>Reads a <c>config.json</c> of a Hugging Face folder: classic keys (<c>rope_theta</c>, <c>rope_scaling</c>) and those of transformers 5 (<c>rope_parameters</c>).</summary>
internal static class HuggingFaceConfig
{
    /// <exception cref="InvalidDataException">A key is missing or has a value that cannot be.</exception>
    /// <exception cref="NotSupportedException">The architecture, activation or rope scaling is not known.</exception>
    public static ModelConfig Read(string path)
    {
        using var document = JsonFile.Parse(path);
        return Read(path, document.RootElement);
    }

    /// <param name="path">The file, for messages.</param>
    /// <param name="root">Its content.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static ModelConfig Read(string path, JsonElement root)
    {
        var keys = new ConfigKeys(path, root);
        ConfigRules.Check(keys);
        var config = keys.String("model_type") switch
        {
            "llama" or "mistral" or "qwen2" or "qwen3" => Llama(keys),
            "mixtral" or "qwen2_moe" or "qwen3_moe" => Llama(keys, ExpertKeys.Read(keys)),
            "phi3" => LlamaVariants.Phi3(keys, Llama(keys)),
            "gemma2" or "gemma3_text" => LlamaVariants.Gemma(keys, Llama(keys)),
            "granite" => LlamaVariants.Granite(keys, Llama(keys)),
            "olmo2" => LlamaVariants.Olmo2(Llama(keys)),
            "smollm3" => LlamaVariants.SmolLm3(keys, Llama(keys)),
            "gpt2" => GptVariants.Gpt2(keys),
            "gpt_neox" => GptVariants.GptNeoX(keys),
            "starcoder2" => GptVariants.StarCoder2(keys),
            "falcon" => GptVariants.Falcon(keys),
            "gpt_neo" => GptNeo(keys),
            "gptj" => GptVariants.GptJ(keys),
            "opt" => Opt(keys),
            var other => throw new NotSupportedException($"{path}: model_type '{other}' is not supported; supported are llama, mistral, mixtral, qwen2, qwen2_moe, qwen3, qwen3_moe, phi3, gemma2, gemma3_text, granite, olmo2, smollm3, starcoder2, falcon, gpt2, gpt_neo, gpt_neox, gptj and opt"),
        };
        return config with
        {
            BosTokenId = keys.FindInt("bos_token_id"),
            EosTokenIds = keys.FindInts("eos_token_id"),
        };
    }

    /// <summary>The end ids that a <c>generation_config.json</c> states; chat models have more of them than config.json says.</summary>
    public static int[] ReadEndIds(string path)
    {
        using var document = JsonFile.Parse(path);
        return new ConfigKeys(path, document.RootElement).FindInts("eos_token_id");
    }

    private static ModelConfig Llama(ConfigKeys keys, ExpertsConfig? experts = null)
    {
        var architecture = keys.String("model_type");
        var heads = keys.Size("num_attention_heads");
        var hidden = keys.Size("hidden_size");
        var headDim = keys.FindInt("head_dim") ?? UsualHeadDim(architecture, hidden / heads);
        var layers = keys.Size("num_hidden_layers");
        var context = keys.Size("max_position_embeddings");
        var (inputBias, outputBias) = AttentionBiases(keys, architecture);
        RequireActivation(keys, architecture);
        var rotaryDim = (int)(headDim * RopeScaling.RotaryShare(keys));
        return RopeScaling.Read(keys, rotaryDim, context).Apply(new ModelConfig
        {
            Architecture = architecture,
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = keys.FindInt("num_key_value_heads") ?? heads,
            HeadDim = headDim,
            FeedForwardSize = keys.Size("intermediate_size"),
            Experts = experts,
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = context,
            NormEpsilon = keys.FindFloat("rms_norm_eps") ?? 1e-6f,
            RotaryDim = rotaryDim,
            AttentionScale = 1 / MathF.Sqrt(headDim),
            AttentionWindows = Windows(keys, architecture, layers),
            AttentionInputBias = inputBias,
            AttentionOutputBias = outputBias,
            FeedForwardBias = keys.FindBool("mlp_bias") ?? false,
            QkNorm = architecture is "qwen3" or "qwen3_moe",
            TiedHead = keys.FindBool("tie_word_embeddings") ?? architecture is "gemma2" or "gemma3_text" or "smollm3",
            PaddingTokenId = keys.FindInt("pad_token_id"),
        }).Checked(keys.Path);
    }

    /// <summary>What transformers has where the key is missing.</summary>
    private static int UsualHeadDim(string architecture, int shared) => architecture switch { "qwen3" => 128, "gemma2" or "gemma3_text" => 256, _ => shared };

    private static (bool Input, bool Output) AttentionBiases(ConfigKeys keys, string architecture)
    {
        var given = keys.FindBool("attention_bias") ?? false;
        return architecture switch
        {
            "qwen2" => (true, false),
            "qwen2_moe" => (keys.FindBool("qkv_bias") ?? true, false),
            "mixtral" => (false, false),
            _ => (given, given),
        };
    }

    private static void RequireActivation(ConfigKeys keys, string architecture)
    {
        // Gemma's hidden_act is passed over by transformers too: hidden_activation counts
        var (key, expected) = architecture.StartsWith("gemma", StringComparison.Ordinal) ? ("hidden_activation", "gelu_pytorch_tanh") : ("hidden_act", "silu");
        var activation = keys.FindString(key) ?? expected;
        if (activation != expected)
            throw new NotSupportedException($"{keys.Path}: {key} '{activation}' is not supported for {architecture}; expected '{expected}'");
    }

    private static int[] Windows(ConfigKeys keys, string architecture, int layers)
    {
        // where the key is missing (not null), transformers has a window of 4096, but for mixtral
        var window = keys.FindInt("sliding_window") ?? (keys.Has("sliding_window") || architecture == "mixtral" ? 0 : 4096);
        if (architecture.StartsWith("qwen", StringComparison.Ordinal) && !(keys.FindBool("use_sliding_window") ?? false))
            window = 0;
        if (window <= 0 || architecture is not ("mistral" or "mixtral") && !architecture.StartsWith("qwen", StringComparison.Ordinal))
            return []; // the others have none, or their own rules
        var types = keys.FindStrings("layer_types");
        if (types?.FirstOrDefault(t => t is not ("full_attention" or "sliding_attention")) is { } unknown)
            throw new NotSupportedException($"{keys.Path}: key 'layer_types': '{unknown}' is not done here; full_attention and sliding_attention are");
        if (architecture == "qwen2_moe" && types is null)
            throw new NotSupportedException($"{keys.Path}: key 'use_sliding_window' = true without 'layer_types' is not done here for qwen2_moe: versions of transformers differ in which layers it means");
        var full = architecture is "mistral" or "mixtral" or "qwen3_moe" ? 0 : keys.FindInt("max_window_layers") ?? 28;
        return Enumerable.Range(0, layers)
            .Select(l => types is null ? l < full : l < types.Length && types[l] == "full_attention")
            .Select(isFull => isFull ? 0 : window).ToArray();
    }

    private static ModelConfig GptNeo(ConfigKeys keys)
    {
        var hidden = keys.Size("hidden_size");
        var heads = keys.Size("num_heads");
        var layers = keys.Size("num_layers");
        var window = keys.FindInt("window_size") ?? 256;
        var kinds = keys.FindStrings("attention_layers") ?? keys.ExpandedAttentionTypes();
        if (kinds.Length != layers)
            throw new InvalidDataException($"{keys.Path}: attention layers: found {kinds.Length}, expected num_layers = {layers}");
        return new ModelConfig
        {
            Architecture = "gpt_neo",
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = heads,
            HeadDim = hidden / heads,
            FeedForwardSize = keys.FindInt("intermediate_size") ?? 4 * hidden,
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = keys.Size("max_position_embeddings"),
            Norm = NormKind.LayerNorm,
            NormEpsilon = keys.FindFloat("layer_norm_epsilon") ?? 1e-5f,
            Positions = PositionKind.Learned,
            Activation = Activation(keys, "gelu_new"),
            AttentionScale = 1,
            AttentionWindows = kinds.Select(k => k == "local" ? window : 0).ToArray(),
            AttentionOutputBias = true,
            FeedForwardBias = true,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? true,
        }.Checked(keys.Path);
    }

    private static ModelConfig Opt(ConfigKeys keys)
    {
        var hidden = keys.Size("hidden_size");
        var heads = keys.Size("num_attention_heads");
        var bias = keys.FindBool("enable_bias") ?? true;
        var normBefore = keys.FindBool("do_layer_norm_before") ?? true;
        var width = keys.FindInt("word_embed_proj_dim") ?? hidden;
        return new ModelConfig
        {
            Architecture = "opt",
            HiddenSize = hidden,
            Layers = keys.Size("num_hidden_layers"),
            Heads = heads,
            KvHeads = heads,
            HeadDim = hidden / heads,
            FeedForwardSize = keys.Size("ffn_dim"),
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = keys.Size("max_position_embeddings"),
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            PositionOffset = 2,
            Activation = Activation(keys, "relu"),
            AttentionScale = 1 / MathF.Sqrt(hidden / heads),
            PostNorm = !normBefore,
            FinalNorm = normBefore && !(keys.FindBool("_remove_final_layer_norm") ?? false),
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = bias,
            EmbeddingSize = width == hidden ? 0 : width,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? true,
            PaddingTokenId = keys.FindInt("pad_token_id") ?? 1,
        }.Checked(keys.Path);
    }

    private static ActivationKind Activation(ConfigKeys keys, string usual) => Activation(keys, "activation_function", usual);

    /// <param name="key">The family's key for it.</param>
    /// <param name="usual">What transformers takes where it is missing.</param>
    /// <exception cref="NotSupportedException">Another one.</exception>
    internal static ActivationKind Activation(ConfigKeys keys, string key, string usual) => (keys.FindString(key) ?? usual) switch
    {
        "gelu_new" or "gelu_pytorch_tanh" or "gelu_fast" => ActivationKind.GeluTanh,
        "gelu" => ActivationKind.GeluErf,
        "relu" => ActivationKind.Relu,
        var other => throw new NotSupportedException($"{keys.Path}: {key} '{other}' is not supported"),
    };
}
