namespace Vernier.Models;

/// <summary>Families whose config.json is that of LLaMA but for a few keys. What is assumed where a key is missing is what transformers assumes.</summary>
internal static class LlamaVariants
{
    private const string Sliding = "sliding_attention";

    /// <summary>Phi-3 and Phi-4: as LLaMA, q, k, v and gate, up stored as one; of a head only the first channels may rotate.</summary>
    public static ModelConfig Phi3(ConfigKeys keys, ModelConfig llama) => llama with
    {
        AttentionInputBias = false,
        AttentionOutputBias = false,
        FeedForwardBias = false,
        AttentionWindows = keys.FindInt("sliding_window") is { } window and > 0 ? [.. Enumerable.Repeat(window, llama.Layers)] : [],
    };

    /// <summary>Gemma 2 and 3: norms times 1 + weight on both sides of each sublayer, scaled embeddings, soft caps, layers with and without a window.
    /// Gemma 3 has norms of q and k, and two rotary bases.</summary>
    public static ModelConfig Gemma(ConfigKeys keys, ModelConfig llama)
    {
        var third = llama.Architecture == "gemma3_text";
        return (llama with
        {
            Activation = ActivationKind.GeGluTanh,
            NormOffset = 1,
            OutputNorms = true,
            QkNorm = third,
            EmbeddingScale = MathF.Sqrt(llama.HiddenSize),
            AttentionScale = (float)(1 / Math.Sqrt(keys.FindDouble("query_pre_attn_scalar") ?? 256)),
            AttentionSoftCap = Cap(keys, "attn_logit_softcapping", third ? 0 : 50),
            LogitSoftCap = Cap(keys, "final_logit_softcapping", third ? 0 : 30),
            AttentionWindows = Windows(keys, llama.Layers, keys.FindInt("sliding_window") ?? (keys.Has("sliding_window") ? 0 : 4096),
                third ? keys.FindInt("sliding_window_pattern") ?? keys.FindInt("_sliding_window_pattern") ?? 6 : 2),
            RopeTheta = third && !keys.Has("rope_theta") && !keys.Has("rope_parameters") ? 1e6f : llama.RopeTheta,
            LocalRopeTheta = third ? RopeScaling.LocalTheta(keys) : 0,
        }).Checked(keys.Path);
    }

    /// <summary>Granite 3: multipliers of embeddings, attention scores, residual branches and logits.</summary>
    public static ModelConfig Granite(ConfigKeys keys, ModelConfig llama) => (llama with
    {
        AttentionScale = keys.FindFloat("attention_multiplier") ?? 1,
        EmbeddingScale = keys.FindFloat("embedding_multiplier") ?? 1,
        ResidualScale = keys.FindFloat("residual_multiplier") ?? 1,
        LogitDivisor = keys.FindFloat("logits_scaling") ?? 1,
    }).Checked(keys.Path);

    /// <summary>OLMo 2: norms behind the sublayers only, norms of q and k over their whole width.</summary>
    public static ModelConfig Olmo2(ModelConfig llama) => llama with
    {
        InputNorms = false,
        OutputNorms = true,
        QkNorm = true,
        WideQkNorm = true,
        FeedForwardBias = false,
    };

    /// <summary>SmolLM 3: some layers have no rotary positions. The list counts (1 = with them), where there is one.</summary>
    public static ModelConfig SmolLm3(ConfigKeys keys, ModelConfig llama)
    {
        var stated = keys.FindInts("no_rope_layers");
        var interval = keys.FindInt("no_rope_layer_interval") ?? 4;
        if (interval <= 0)
            throw keys.Wrong("no_rope_layer_interval", interval.ToString(System.Globalization.CultureInfo.InvariantCulture), "a positive number");
        bool[] rotary = stated.Length > 0 ? [.. stated.Select(s => s != 0)] : [.. Enumerable.Range(0, llama.Layers).Select(l => (l + 1) % interval != 0)];
        if (rotary.Length != llama.Layers)
            throw keys.Wrong("no_rope_layers", $"{rotary.Length} layers", $"num_hidden_layers = {llama.Layers}");
        var window = keys.FindBool("use_sliding_window") ?? false ? keys.FindInt("sliding_window") ?? 0 : 0;
        var types = Types(keys, llama.Layers);
        return llama with
        {
            RotaryLayers = rotary.All(r => r) ? [] : rotary,
            AttentionWindows = window <= 0 ? [] : [.. Enumerable.Range(0, llama.Layers).Select(l => (types is null ? !rotary[l] : types[l] == Sliding) ? window : 0)],
        };
    }

    /// <summary>Layer l has no window where (l + 1) is a multiple of the period, unless layer_types says so of each.</summary>
    private static int[] Windows(ConfigKeys keys, int layers, int window, int period)
    {
        if (period <= 0)
            throw keys.Wrong("sliding_window_pattern", period.ToString(System.Globalization.CultureInfo.InvariantCulture), "a positive number");
        var types = Types(keys, layers);
        return window <= 0 ? [] : [.. Enumerable.Range(0, layers).Select(l => (types is null ? (l + 1) % period != 0 : types[l] == Sliding) ? window : 0)];
    }

    private static string[]? Types(ConfigKeys keys, int layers)
    {
        var types = keys.FindStrings("layer_types");
        if (types?.FirstOrDefault(t => t is not ("full_attention" or Sliding)) is { } unknown)
            throw new NotSupportedException($"{keys.Path}: key 'layer_types': '{unknown}' is not done here; full_attention and {Sliding} are");
        return types is null || types.Length == layers ? types : throw keys.Wrong("layer_types", $"{types.Length} layers", $"num_hidden_layers = {layers}");
    }

    private static float Cap(ConfigKeys keys, string key, float usual) => keys.FindFloat(key) ?? (keys.Has(key) ? 0 : usual);
}
