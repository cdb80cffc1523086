namespace Vernier.Models;

/// <summary>How a block normalises.</summary>
public enum NormKind
{
    /// <summary>x / rms(x) * gain.</summary>
    RmsNorm,

    /// <summary>(x - mean) / deviation * gain + bias.</summary>
    LayerNorm,
}

/// <summary>How positions enter: rotary halves (pairs j, j + d/2), rotary interleaved (pairs 2j, 2j + 1), a learned table, or not at all.</summary>
public enum PositionKind
{
    /// <summary>Rotary pairs j, j + d/2.</summary>
    RotaryHalf,

    /// <summary>Rotary pairs 2j, 2j + 1.</summary>
    RotaryInterleaved,

    /// <summary>A table of learned vectors.</summary>
    Learned,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>The nonlinearity of the feed-forward part. The gated ones compute act(gate) * up.</summary>
public enum ActivationKind
{
    /// <summary>silu(gate) * up.</summary>
    SwiGlu,

    /// <summary>GELU by its tanh formula.</summary>
    GeluTanh,

    /// <summary>GELU by the error function.</summary>
    GeluErf,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>gelu(gate) * up, by the tanh formula.</summary>
    GeGluTanh,
}

/// <summary>Everything about an architecture that the one decoder needs. Sizes are counts of elements.</summary>
public sealed record ModelConfig
{
    /// <summary>Name of the family as the source file spells it: llama, mistral, gpt_neo, gptj, opt, qwen2, qwen3, phi3, gemma2 and so on.</summary>
    public required string Architecture { get; init; }
    /// <summary>Channels of the residual stream.</summary>
    public required int HiddenSize { get; init; }
    /// <summary>Blocks.</summary>
    public required int Layers { get; init; }
    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }
    /// <summary>Key and value heads; query heads share them evenly.</summary>
    public required int KvHeads { get; init; }
    /// <summary>Channels of a head.</summary>
    public required int HeadDim { get; init; }
    /// <summary>Channels inside the feed-forward part.</summary>
    public required int FeedForwardSize { get; init; }
    /// <summary>The experts of the layers that have some; null where none has.</summary>
    internal ExpertsConfig? Experts { get; init; }
    /// <summary>Rows of the embedding table.</summary>
    public required int VocabularySize { get; init; }
    /// <summary>Tokens the model was made for.</summary>
    public required int ContextLength { get; init; }
    /// <summary>The kind of all norms.</summary>
    public NormKind Norm { get; init; } = NormKind.RmsNorm;
    /// <summary>Added to the mean square or variance.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;
    /// <summary>How positions enter.</summary>
    public PositionKind Positions { get; init; } = PositionKind.RotaryHalf;
    /// <summary>The nonlinearity of the feed-forward part.</summary>
    public ActivationKind Activation { get; init; } = ActivationKind.SwiGlu;
    /// <summary>Base of the rotary frequencies.</summary>
    public float RopeTheta { get; init; } = 10000f;
    /// <summary>Channels of a head that rotate; the rest pass unchanged.</summary>
    public int RotaryDim { get; init; }
    /// <summary>Frequency divisors, one a rotary pair (linear, llama3 and other scalings resolved at load); empty = all 1.</summary>
    public IReadOnlyList<float> RopeFrequencyFactors { get; init; } = [];
    /// <summary>The formula of these factors; null where there are none, or where a file states them one by one.</summary>
    public RopeFormula? RopeFormula { get; init; }
    /// <summary>Base of the rotary frequencies in layers with a window, which are not scaled (Gemma 3); 0 = as in all others.</summary>
    public float LocalRopeTheta { get; init; }
    /// <summary>Which layers have rotary positions (SmolLM 3); empty = all.</summary>
    public IReadOnlyList<bool> RotaryLayers { get; init; } = [];
    /// <summary>Multiplies the rotary cosines and sines (YaRN); 1 otherwise.</summary>
    public float RopeAttentionFactor { get; init; } = 1f;
    /// <summary>Added to a position before it is looked up in a learned table (OPT: 2).</summary>
    public int PositionOffset { get; init; }
    /// <summary>Multiplies q·k before the softmax; 1/sqrt(HeadDim) for most, 1 for GPT-Neo.</summary>
    public required float AttentionScale { get; init; }
    /// <summary>Window of each layer: key j is visible to query i when 0 ≤ i - j &lt; window; 0 = no limit. Empty = no limit anywhere.</summary>
    public IReadOnlyList<int> AttentionWindows { get; init; } = [];
    /// <summary>The scores of layer i are divided by i + 1 besides (GPT-2's <c>scale_attn_by_inverse_layer_idx</c>).</summary>
    public bool AttentionScaleByLayer { get; init; }
    /// <summary>Attention and feed-forward both read the block's input, behind one norm (GPT-J, Falcon).</summary>
    public bool ParallelBlock { get; init; }
    /// <summary>In a parallel block each of both has a norm of its own (GPT-NeoX).</summary>
    public bool ParallelNorms { get; init; }
    /// <summary>The norm comes after the residual sum (OPT-350m) instead of before the sublayer.</summary>
    public bool PostNorm { get; init; }
    /// <summary>A norm before the head.</summary>
    public bool FinalNorm { get; init; } = true;
    /// <summary>A norm before each sublayer (all but OLMo 2).</summary>
    public bool InputNorms { get; init; } = true;
    /// <summary>A norm on what each sublayer gives, before the residual sum (Gemma, OLMo 2).</summary>
    public bool OutputNorms { get; init; }
    /// <summary>Added to the stored weights of all norms (Gemma: 1).</summary>
    public float NormOffset { get; init; }
    /// <summary>RMSNorm over every q and k head (Qwen3), or with <see cref="WideQkNorm"/> over all of them at once.</summary>
    public bool QkNorm { get; init; }
    /// <summary>The norms of q and k go over their whole width, before it is split into heads (OLMo 2).</summary>
    public bool WideQkNorm { get; init; }
    /// <summary>Multiplies the embeddings (Gemma: √hidden size; Granite); a tied head is not touched.</summary>
    public float EmbeddingScale { get; init; } = 1;
    /// <summary>Multiplies what each sublayer gives before the residual sum (Granite).</summary>
    public float ResidualScale { get; init; } = 1;
    /// <summary>Divides the logits (Granite).</summary>
    public float LogitDivisor { get; init; } = 1;
    /// <summary>Attention scores s become cap · tanh(s / cap) before the mask (Gemma 2); 0 = they stay.</summary>
    public float AttentionSoftCap { get; init; }
    /// <summary>Logits z become cap · tanh(z / cap) (Gemma 2); 0 = they stay.</summary>
    public float LogitSoftCap { get; init; }
    /// <summary>Width of the token embedding where it is not the hidden size (OPT-350m: project_in, project_out); 0 = hidden size.</summary>
    public int EmbeddingSize { get; init; }
    /// <summary>The head is the embedding matrix.</summary>
    public bool TiedHead { get; init; }
    /// <summary>q, k and v have a bias.</summary>
    public bool AttentionInputBias { get; init; }
    /// <summary>The attention's output projection has a bias.</summary>
    public bool AttentionOutputBias { get; init; }
    /// <summary>The feed-forward layers have biases.</summary>
    public bool FeedForwardBias { get; init; }
    /// <summary>The head has a bias (GPT-J).</summary>
    public bool HeadBias { get; init; }
    /// <summary>Id whose row of the embedding table is not trained by lookups, or null.</summary>
    public int? PaddingTokenId { get; init; }
    /// <summary>Id that begins a text; null where there is none.</summary>
    public int? BosTokenId { get; init; }
    /// <summary>Ids that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>The feed-forward part of a layer is several experts.</summary>
    internal bool HasExperts(int layer) => Experts is not null && !Experts.DenseLayers.Contains(layer);

    /// <summary>Refuses sizes that do not fit together.</summary>
    /// <param name="source">The file to name.</param>
    /// <exception cref="InvalidDataException">They do not.</exception>
    public ModelConfig Checked(string source)
    {
        Require(HiddenSize > 0 && Layers > 0 && Heads > 0 && KvHeads > 0 && HeadDim > 0 && FeedForwardSize > 0 && VocabularySize > 0 && ContextLength > 0,
            "a size is not positive");
        Require(Heads % KvHeads == 0, $"{Heads} heads cannot share {KvHeads} KV heads");
        Require((long)Heads * HeadDim <= 1 << 24 && (long)HiddenSize * FeedForwardSize <= int.MaxValue && (long)VocabularySize * HiddenSize <= int.MaxValue,
            "a matrix would have more than 2^31 elements");
        var rotary = Positions is PositionKind.RotaryHalf or PositionKind.RotaryInterleaved;
        Require(!rotary || (RotaryDim > 0 && RotaryDim <= HeadDim && RotaryDim % 2 == 0), $"{RotaryDim} rotary channels in heads of {HeadDim}");
        Require(RopeFrequencyFactors.Count == 0 || RopeFrequencyFactors.Count == RotaryDim / 2, $"{RopeFrequencyFactors.Count} rotary factors for {RotaryDim / 2} pairs");
        Require(RopeFrequencyFactors.All(f => float.IsFinite(f) && f > 0), "a rotary factor is not a positive number");
        Require(RopeFormula is not { Type: RopeFormula.LongRope } longRope || (longRope.LongFactors.Count == RotaryDim / 2 && longRope.LongFactors.All(f => float.IsFinite(f) && f > 0) && longRope.OriginalContext > 1),
            "the long rotary factors are not a positive number for each pair");
        Require(float.IsFinite(RopeAttentionFactor) && RopeAttentionFactor > 0, "the rotary attention factor is not a positive number");
        Require(float.IsFinite(NormEpsilon) && float.IsFinite(AttentionScale), "norm epsilon or attention scale is not a finite number");
        Require(Experts is not { } experts || (experts.Count > 0 && experts.PerToken > 0 && experts.PerToken <= experts.Count && experts.Size > 0 && experts.SharedSize >= 0),
            $"{Experts?.PerToken} of {Experts?.Count} experts of {Experts?.Size} channels, and a shared one of {Experts?.SharedSize}");
        Require(Experts is null || (long)HiddenSize * Math.Max(Experts.Size, Experts.SharedSize) <= int.MaxValue, "a matrix would have more than 2^31 elements");
        Require(float.IsFinite(EmbeddingScale) && float.IsFinite(ResidualScale) && float.IsFinite(LogitDivisor) && LogitDivisor != 0, "a multiplier of embeddings, residuals or logits cannot be");
        Require(AttentionSoftCap >= 0 && float.IsFinite(AttentionSoftCap) && LogitSoftCap >= 0 && float.IsFinite(LogitSoftCap), "a soft cap is not a positive number");
        Require(LocalRopeTheta >= 0 && float.IsFinite(LocalRopeTheta), "the local rotary base is not a positive number");
        Require(RotaryLayers.Count == 0 || RotaryLayers.Count == Layers, $"{RotaryLayers.Count} choices of rotary positions for {Layers} layers");
        Require(AttentionWindows.Count == 0 || AttentionWindows.Count == Layers, $"{AttentionWindows.Count} windows for {Layers} layers");
        Require(NormEpsilon >= 0 && RopeTheta > 0 && float.IsFinite(RopeTheta), "norm epsilon or rotary base is not a positive number");
        return this;

        void Require(bool holds, string otherwise)
        {
            if (!holds)
                throw new InvalidDataException($"{source}: {Architecture} configuration: {otherwise}");
        }
    }
}
