namespace Vernier.Models;

/// <summary>Families with LayerNorm and a plain feed-forward part: GPT-2, GPT-J, GPT-NeoX (Pythia), StarCoder 2, Falcon.</summary>
internal static class GptVariants
{
    private const double UsualTheta = 10000;

    /// <summary>Learned positions; linears are stored [in, out], q, k and v as one.</summary>
    public static ModelConfig Gpt2(ConfigKeys keys)
    {
        var shared = OfShortKeys(keys, "gpt2");
        return (shared with
        {
            Positions = PositionKind.Learned,
            AttentionScale = keys.FindBool("scale_attn_weights") ?? true ? shared.AttentionScale : 1,
            AttentionScaleByLayer = keys.FindBool("scale_attn_by_inverse_layer_idx") ?? false,
            AttentionInputBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? true,
            PaddingTokenId = keys.FindInt("pad_token_id"),
        }).Checked(keys.Path);
    }

    /// <summary>Attention and feed-forward side by side behind one norm; the first channels of a head rotate, in pairs of neighbours.</summary>
    public static ModelConfig GptJ(ConfigKeys keys)
    {
        var shared = OfShortKeys(keys, "gptj");
        return (shared with
        {
            Positions = PositionKind.RotaryInterleaved,
            RotaryDim = keys.FindInt("rotary_dim") ?? shared.HeadDim,
            ParallelBlock = true,
            FeedForwardBias = true,
            HeadBias = true,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? false,
        }).Checked(keys.Path);
    }

    /// <summary>Attention and feed-forward side by side, each behind a norm of its own; the first channels of a head rotate.</summary>
    public static ModelConfig GptNeoX(ConfigKeys keys)
    {
        var (hidden, heads) = (keys.Size("hidden_size"), keys.Size("num_attention_heads"));
        var context = keys.FindInt("max_position_embeddings") ?? 2048;
        var headDim = hidden / heads;
        var rotary = (int)(headDim * (keys.FindDouble("rotary_pct") ?? RopeScaling.FindRotaryShare(keys) ?? 0.25));
        var bias = keys.FindBool("attention_bias") ?? true;
        var parallel = keys.FindBool("use_parallel_residual") ?? true;
        return Rotary(keys, new ModelConfig
        {
            Architecture = "gpt_neox",
            HiddenSize = hidden,
            Layers = keys.Size("num_hidden_layers"),
            Heads = heads,
            KvHeads = heads,
            HeadDim = headDim,
            RotaryDim = rotary,
            FeedForwardSize = keys.Size("intermediate_size"),
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = context,
            Norm = NormKind.LayerNorm,
            NormEpsilon = keys.FindFloat("layer_norm_eps") ?? 1e-5f,
            Activation = HuggingFaceConfig.Activation(keys, "hidden_act", "gelu"),
            AttentionScale = 1 / MathF.Sqrt(headDim),
            ParallelBlock = parallel,
            ParallelNorms = parallel,
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = true,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? false,
            PaddingTokenId = keys.FindInt("pad_token_id"),
        }, keys.FindDouble("rotary_emb_base") ?? UsualTheta);
    }

    /// <summary>Biases everywhere, grouped KV heads, a window in all layers.</summary>
    public static ModelConfig StarCoder2(ConfigKeys keys)
    {
        var (hidden, heads, layers) = (keys.Size("hidden_size"), keys.Size("num_attention_heads"), keys.Size("num_hidden_layers"));
        var bias = keys.FindBool("use_bias") ?? true;
        return Rotary(keys, new ModelConfig
        {
            Architecture = "starcoder2",
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = keys.FindInt("num_key_value_heads") ?? 2,
            HeadDim = hidden / heads,
            RotaryDim = hidden / heads,
            FeedForwardSize = keys.Size("intermediate_size"),
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = keys.Size("max_position_embeddings"),
            Norm = NormKind.LayerNorm,
            NormEpsilon = keys.FindFloat("norm_epsilon") ?? 1e-5f,
            Activation = HuggingFaceConfig.Activation(keys, "hidden_act", "gelu_pytorch_tanh"),
            AttentionScale = 1 / MathF.Sqrt(hidden / heads),
            AttentionWindows = keys.FindInt("sliding_window") is { } window and > 0 ? [.. Enumerable.Repeat(window, layers)] : [],
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = bias,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? true,
            PaddingTokenId = keys.FindInt("pad_token_id"),
        }, UsualTheta);
    }

    /// <summary>Attention and feed-forward side by side behind one norm, few KV heads; older ones one after the other.</summary>
    /// <exception cref="NotSupportedException">Two norms in a parallel block (Falcon 40B and 180B).</exception>
    public static ModelConfig Falcon(ConfigKeys keys)
    {
        var (hidden, heads) = (keys.Size("hidden_size"), keys.Size("num_attention_heads"));
        var grouped = keys.FindBool("new_decoder_architecture") ?? false;
        if (grouped && keys.FindInt("num_ln_in_parallel_attn") is not 1)
            throw new NotSupportedException($"{keys.Path}: key 'new_decoder_architecture' = true with two norms a block ('num_ln_in_parallel_attn' other than 1) is not done here");
        var bias = keys.FindBool("bias") ?? false;
        return Rotary(keys, new ModelConfig
        {
            Architecture = "falcon",
            HiddenSize = hidden,
            Layers = keys.Size("num_hidden_layers"),
            Heads = heads,
            KvHeads = grouped ? keys.FindInt("num_kv_heads") ?? heads : keys.FindBool("multi_query") ?? true ? 1 : heads,
            HeadDim = hidden / heads,
            RotaryDim = hidden / heads,
            FeedForwardSize = keys.FindInt("ffn_hidden_size") ?? 4 * hidden,
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = keys.FindInt("max_position_embeddings") ?? 2048,
            Norm = NormKind.LayerNorm,
            NormEpsilon = keys.FindFloat("layer_norm_epsilon") ?? 1e-5f,
            Activation = HuggingFaceConfig.Activation(keys, "activation", "gelu"),
            AttentionScale = 1 / MathF.Sqrt(hidden / heads),
            ParallelBlock = grouped || (keys.FindBool("parallel_attn") ?? true),
            AttentionInputBias = bias,
            AttentionOutputBias = bias,
            FeedForwardBias = bias,
            TiedHead = keys.FindBool("tie_word_embeddings") ?? true,
            PaddingTokenId = keys.FindInt("pad_token_id"),
        }, UsualTheta);
    }

    /// <summary>What GPT-2 and GPT-J spell alike.</summary>
    private static ModelConfig OfShortKeys(ConfigKeys keys, string architecture)
    {
        var (hidden, heads) = (keys.Size("n_embd"), keys.Size("n_head"));
        return new ModelConfig
        {
            Architecture = architecture,
            HiddenSize = hidden,
            Layers = keys.Size("n_layer"),
            Heads = heads,
            KvHeads = heads,
            HeadDim = hidden / heads,
            FeedForwardSize = keys.FindInt("n_inner") ?? 4 * hidden,
            VocabularySize = keys.Size("vocab_size"),
            ContextLength = keys.Size("n_positions"),
            Norm = NormKind.LayerNorm,
            NormEpsilon = keys.FindFloat("layer_norm_epsilon") ?? 1e-5f,
            Activation = HuggingFaceConfig.Activation(keys, "activation_function", "gelu_new"),
            AttentionScale = 1 / MathF.Sqrt(hidden / heads),
        };
    }

    private static ModelConfig Rotary(ConfigKeys keys, ModelConfig config, double theta) =>
        RopeScaling.Read(keys, config.RotaryDim, config.ContextLength, theta).Apply(config).Checked(keys.Path);
}
