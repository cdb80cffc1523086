using Vernier.Cards;
using Vernier.Files.Gguf;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>The metadata of a GGUF file for a model that did not come from one. What llama.cpp has no key for is refused under its name in config.json.</summary>
internal static class GgufMetadataBuilder
{
    private const uint QuantizationVersion = 2;

    /// <summary>The name of the family in GGUF files.</summary>
    /// <exception cref="NotSupportedException">The family is not written as GGUF.</exception>
    public static string Architecture(ModelConfig config) => GgufArchitecture.ToGguf(config.Architecture)
        ?? throw new NotSupportedException($"architecture '{config.Architecture}' is not written as GGUF; {string.Join(", ", GgufArchitecture.All)} are. Export --to hf instead");

    /// <param name="notes">Gets what is to be told.</param>
    public static GgufMetadata Build(LoadedModel model, ICollection<string> notes)
    {
        var config = model.Config;
        var architecture = Architecture(config);
        RequireHeld(config, architecture, notes);
        var values = new List<GgufValue>
        {
            GgufValue.Of("general.architecture", architecture),
            GgufValue.Of("general.type", "model"),
            GgufValue.Of("general.name", NameOf(model)),
            GgufValue.Of("general.quantization_version", QuantizationVersion),
            Size("block_count", config.Layers),
            Size("context_length", config.ContextLength),
            Size("embedding_length", config.HiddenSize),
            Size("feed_forward_length", config.FeedForwardSize),
            Size("attention.head_count", config.Heads),
            Size("attention.head_count_kv", config.KvHeads),
            Size("attention.key_length", config.HeadDim),
            Size("attention.value_length", config.HeadDim),
        };
        var rotates = config.Positions != PositionKind.Learned;
        if (rotates)
            values.Add(Size("rope.dimension_count", config.RotaryDim));
        values.Add(Size("vocab_size", config.VocabularySize));
        values.Add(GgufValue.Of($"{architecture}.attention.layer_norm_{(config.Norm == NormKind.RmsNorm ? "rms_" : "")}epsilon", config.NormEpsilon));
        if (rotates)
            values.Add(GgufValue.Of($"{architecture}.rope.freq_base", config.RopeTheta));
        values.AddRange(OfFamily(config, architecture));
        values.AddRange(ExpertKeysWriter.Metadata(config, architecture));
        if (ModelLicense.Of(model.Source) is { } license)
            values.Add(GgufValue.Of("general.license", license));
        values.AddRange(Rope(config, architecture));
        var tokenizer = model.LoadedTokenizer;
        var keys = tokenizer is null ? [("tokenizer.ggml.model", "no_vocab")] : GgufVocabulary.Fit(tokenizer, config.VocabularySize, notes);
        values.AddRange(keys.Select(pair => Value(pair.Key, pair.Value)));
        values.AddRange(SpecialIds(config, tokenizer, keys));
        return GgufMetadata.Of(values);

        GgufValue Size(string key, int value) => GgufValue.Of($"{architecture}.{key}", (uint)value);
    }

    /// <summary>Keys that some families have.</summary>
    private static IEnumerable<GgufValue> OfFamily(ModelConfig config, string architecture)
    {
        if (architecture == "gptneox")
            yield return GgufValue.Of($"{architecture}.use_parallel_residual", config.ParallelBlock);
        if (architecture == "falcon")
            yield return GgufValue.Of($"{architecture}.tensor_data_layout", "jploski"); // what llama.cpp's converter writes
        if (architecture is "phi3" or "gemma2" or "gemma3" || (architecture == "starcoder2" && Window(config) > 0))
            yield return GgufValue.Of($"{architecture}.attention.sliding_window", (uint)Window(config));
        if (architecture == "phi3" && config.RopeFormula is null)
            yield return GgufValue.Of($"{architecture}.rope.scaling.original_context_length", (uint)config.ContextLength);
        if (architecture == "gemma2")
            yield return Number("attn_logit_softcapping", config.AttentionSoftCap);
        if (architecture == "gemma2" || config.LogitSoftCap != 0)
            yield return Number("final_logit_softcapping", config.LogitSoftCap);
        if (config.LocalRopeTheta != 0)
            yield return Number("rope.freq_base_swa", config.LocalRopeTheta);
        if (architecture == "granite")
            foreach (var (key, value) in ((string, float)[])[("attention.scale", config.AttentionScale), ("embedding_scale", config.EmbeddingScale), ("residual_scale", config.ResidualScale), ("logit_scale", config.LogitDivisor)])
                yield return Number(key, value);

        GgufValue Number(string key, float value) => GgufValue.Of($"{architecture}.{key}", value);
    }

    private static int Window(ModelConfig config) => config.AttentionWindows.DefaultIfEmpty(0).Max();

    /// <summary>What every file has, whatever it was made from, added where a source lacks it.</summary>
    public static GgufMetadata Completed(LoadedModel model, GgufMetadata metadata)
    {
        if (!metadata.Contains("general.name"))
            metadata = metadata.With(GgufValue.Of("general.name", NameOf(model)));
        return metadata.Contains("general.quantization_version") ? metadata : metadata.With(GgufValue.Of("general.quantization_version", QuantizationVersion));
    }

    /// <summary>Rotary factors as tensors: how llama.cpp has what no key of it states. None where keys do, or nothing is scaled.</summary>
    public static IEnumerable<(string Name, float[] Factors)> RopeTensors(ModelConfig config) => config.RopeFormula is { Type: RopeFormula.LongRope } formula
        ? [(GgufConfig.LongFactors, [.. formula.LongFactors]), (GgufConfig.ShortFactors, [.. formula.ShortFactors])]
        : config.RopeFrequencyFactors.Count == 0 || HasKeys(config) ? [] : [("rope_freqs.weight", [.. config.RopeFrequencyFactors])];

    private static string NameOf(LoadedModel model) =>
        model.Source.Path.Length == 0 ? model.Config.Architecture
        : PublicPath.HubName(model.Source.Path) is { } hub ? hub[(hub.LastIndexOf('/') + 1)..]
        : PublicPath.Name(Path.GetFullPath(model.Source.Path)) is var name && name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? name[..^".gguf".Length] : name;

    private static void RequireHeld(ModelConfig config, string architecture, ICollection<string> notes)
    {
        if (ExpertKeysWriter.NotHeld(config, architecture) is var (key, why))
            throw Refused(key, why);
        // A window that is never narrower than the context changes nothing.
        if (architecture is "phi3" or "starcoder2" && Window(config) is > 0 and var window && window < config.ContextLength)
            notes.Add($"llama.cpp does not apply the window of {window} tokens in the layout '{architecture}': its results differ where a text is longer");
        else if (architecture is "gemma2" or "gemma3")
            RequireGemma(config);
        else if (config.AttentionWindows.Any(w => w != 0 && w < config.ContextLength))
            throw Refused("sliding_window", $"llama.cpp has no window in the layout '{architecture}'");
        if (architecture == "smollm3" && !config.RotaryLayers.SequenceEqual(GgufFamilies.SmolLm3Rotary(config.Layers)))
            throw Refused("no_rope_layers", $"in the layout '{architecture}' it is every {GgufFamilies.SmolLm3Interval}th layer");
        if (GptNotHeld(config) is var (gptKey, gptWhy))
            throw Refused(gptKey, gptWhy);
        var biases = architecture is "gpt2" or "gptneox" or "starcoder2";
        if (architecture != "llama" && !biases && (config.AttentionOutputBias || (architecture is "qwen3" or "qwen3moe" && config.AttentionInputBias)))
            throw Refused("attention_bias", $"llama.cpp has no place for these biases in the layout '{architecture}'");
        if (architecture != "llama" && !biases && config.FeedForwardBias)
            throw Refused("mlp_bias", $"llama.cpp has no place for these biases in the layout '{architecture}'");
        var isLong = config.RopeFormula is { Type: RopeFormula.LongRope };
        if (config.RopeFormula is { VariesWithLength: true } varying && !(isLong && GgufArchitecture.HasLongRope(architecture)))
            throw Refused("rope_scaling' or 'rope_parameters", $"llama.cpp has no '{varying.Type}' in the layout '{architecture}'");
        if (architecture != "llama" && config.RopeFrequencyFactors.Count > 0 && !HasKeys(config) && !isLong)
            throw Refused("rope_scaling' or 'rope_parameters", $"llama.cpp reads rotary factors one by one in the layout 'llama' only, and has keys for linear and for yarn with its usual settings");
        if (config.RopeFrequencyFactors.Count == 0 && config.RopeAttentionFactor != 1 && architecture != "llama")
            throw Refused("rope_scaling.attention_factor", $"without a scaling it has no key in the layout '{architecture}'");
    }

    private static void RequireGemma(ModelConfig config)
    {
        var period = config.Architecture == "gemma2" ? GgufFamilies.Gemma2Period : GgufFamilies.Gemma3Period;
        if (Math.Abs(config.AttentionScale / GgufFamilies.GemmaScale(config) - 1) > 1e-6)
            throw Refused("query_pre_attn_scalar", "llama.cpp takes it to be the width of a head, and has no key for another");
        if (config.AttentionWindows.Count == 0)
            throw Refused("sliding_window", "llama.cpp has one in this layout, always");
        if (config.AttentionWindows.Index().Any(w => w.Item == 0 != ((w.Index + 1) % period == 0)))
            throw Refused("layer_types' or 'sliding_window_pattern", $"llama.cpp takes every {period}th layer to have no window");
        if (config.Architecture == "gemma3_text" && config.AttentionSoftCap != 0)
            throw Refused("attn_logit_softcapping", "llama.cpp has none in the layout 'gemma3'");
    }

    /// <summary>What the layouts of GPT-2 and its kin imply.</summary>
    private static (string Key, string Why)? GptNotHeld(ModelConfig config) => config.Architecture switch
    {
        "gpt2" or "starcoder2" when config.Activation != ActivationKind.GeluTanh => ("activation_function' or 'hidden_act", "llama.cpp computes GELU by its tanh formula"),
        "gpt_neox" or "falcon" when config.Activation != ActivationKind.GeluErf => ("hidden_act' or 'activation", "its layout stands for GELU by the error function"),
        "gpt2" when config.AttentionScaleByLayer => ("scale_attn_by_inverse_layer_idx", "llama.cpp does not do it"),
        "gpt2" when Math.Abs(config.AttentionScale * Math.Sqrt(config.HeadDim) - 1) > 1e-5 => ("scale_attn_weights", "llama.cpp scales always"),
        "falcon" when !config.ParallelBlock => ("parallel_attn", "llama.cpp computes both parts side by side"),
        "gpt_neox" or "starcoder2" when !config.AttentionInputBias || !config.FeedForwardBias => ("attention_bias' or 'use_bias", "llama.cpp expects these biases"),
        _ => null,
    };

    private static NotSupportedException Refused(string key, string why) => new($"config.json's key '{key}' cannot be written as GGUF: {why}. Export --to hf instead");

    private static bool HasKeys(ModelConfig config) => config.RopeFormula is { Type: RopeFormula.Linear } or { Type: RopeFormula.Yarn, BetaFast: 32, BetaSlow: 1, Truncates: true };

    private static IEnumerable<GgufValue> Rope(ModelConfig config, string architecture)
    {
        var usual = 1.0;
        if (config.RopeFormula is { } formula)
        {
            if (HasKeys(config))
            {
                yield return GgufValue.Of($"{architecture}.rope.scaling.type", formula.Type);
                yield return GgufValue.Of($"{architecture}.rope.scaling.factor", (float)formula.Factor);
                if (formula.Type == RopeFormula.Yarn)
                    yield return GgufValue.Of($"{architecture}.rope.scaling.original_context_length", (uint)formula.OriginalContext);
                usual = formula.Type == RopeFormula.Yarn ? formula.UsualAttentionFactor : 1;
            }
            else if (formula.Type == RopeFormula.LongRope)
            {
                yield return GgufValue.Of($"{architecture}.rope.scaling.original_context_length", (uint)formula.OriginalContext);
            }
            else
            {
                yield return RopeHint.Value(formula, config.RopeAttentionFactor);
            }
        }
        // llama.cpp multiplies what yarn has by its own formula
        if (Math.Abs(config.RopeAttentionFactor / usual - 1) > 1e-6)
            yield return GgufValue.Of($"{architecture}.rope.scaling.attn_factor", (float)(config.RopeAttentionFactor / usual));
    }

    /// <summary>Ids of special tokens that the tokenizer did not state. llama.cpp has three keys for ids that end a text; where there are more, all stand in a key of our own.</summary>
    private static IEnumerable<GgufValue> SpecialIds(ModelConfig config, Tokens.LoadedTokenizer? tokenizer, IReadOnlyList<(string Key, object Value)> keys)
    {
        const string Prefix = "tokenizer.ggml.";
        var stated = keys.Select(k => k.Key).ToHashSet(StringComparer.Ordinal);
        if (!stated.Contains(Prefix + "bos_token_id") && Inside(config.BosTokenId))
            yield return GgufValue.Of(Prefix + "bos_token_id", (uint)config.BosTokenId!.Value);
        if (!stated.Contains(Prefix + "padding_token_id") && Inside(config.PaddingTokenId))
            yield return GgufValue.Of(Prefix + "padding_token_id", (uint)config.PaddingTokenId!.Value);
        var ends = (tokenizer?.Tokenizer.EosId is { } eos ? [eos] : Array.Empty<int>()).Concat(config.EosTokenIds).Where(id => Inside(id)).Distinct().ToList();
        if (ends.Count > 3)
            yield return GgufValue.Of(GgufConfig.MoreEndIds, ends.ToArray().AsSpan());
        foreach (var (id, name) in ends.Zip((string[])["eos_token_id", "eot_token_id", "eom_token_id"]))
            if (!stated.Contains(Prefix + name))
                yield return GgufValue.Of(Prefix + name, (uint)id);

        bool Inside(int? id) => id >= 0 && id < config.VocabularySize;
    }

    private static GgufValue Value(string key, object value) => value switch
    {
        string text => GgufValue.Of(key, text),
        bool flag => GgufValue.Of(key, flag),
        uint number => GgufValue.Of(key, number),
        float number => GgufValue.Of(key, number),
        string[] texts => GgufValue.Of(key, texts),
        int[] numbers => GgufValue.Of(key, numbers.AsSpan()),
        float[] numbers => GgufValue.Of(key, numbers.AsSpan()),
        _ => throw new ArgumentException($"no GGUF value for {value.GetType()}", nameof(value)),
    };

    /// <summary>The number by which GGUF names the format of most of a file's values.</summary>
    public static uint FileType(IEnumerable<GgufTensorPlan> tensors)
    {
        var most = tensors.Where(t => t.Dimensions.Count > 1).GroupBy(t => t.Format.Name).MaxBy(g => g.Sum(t => t.ByteLength))?.Key;
        return most switch
        {
            "F32" => 0,
            "F16" => 1,
            "Q4_0" => 2,
            "Q4_1" => 3,
            "Q8_0" => 7,
            "Q5_0" => 8,
            "Q5_1" => 9,
            "Q2_K" => 10,
            "Q3_K" => 12,
            "Q4_K" => 15,
            "Q5_K" => 17,
            "Q6_K" => 18,
            "BF16" => 32,
            _ => 1024, // "guessed"
        };
    }
}
