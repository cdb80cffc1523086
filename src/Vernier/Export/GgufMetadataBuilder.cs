using Vernier.Files.Gguf;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Export;

/// <summary>The metadata of a GGUF file for a model that did not come from one.</summary>
internal static class GgufMetadataBuilder
{
    /// <summary>The name of the family in GGUF files.</summary>
    /// <exception cref="NotSupportedException">The family is not written as GGUF.</exception>
    public static string Architecture(ModelConfig config) => config.Architecture switch
    {
        // Both families share one layout there, and a window has no key in it.
        "llama" or "mistral" when config.AttentionWindows.All(w => w == 0 || w >= config.ContextLength) => "llama",
        "mistral" => throw new NotSupportedException("a model with a sliding attention window cannot be written as GGUF: the llama layout has no key for it. Export --to hf instead"),
        "qwen2" or "qwen3" => config.Architecture,
        _ => throw new NotSupportedException($"architecture '{config.Architecture}' is not written as GGUF; llama, mistral, qwen2 and qwen3 are. Export --to hf instead"),
    };

    public static GgufMetadata Build(LanguageModel model)
    {
        var config = model.Config;
        var architecture = Architecture(config);
        if (config.RopeAttentionFactor != 1)
            throw new NotSupportedException("a model with YaRN positions is not written as GGUF; export --to hf instead");
        var values = new List<GgufValue>
        {
            GgufValue.Of("general.architecture", architecture),
            GgufValue.Of("general.type", "model"),
            GgufValue.Of("general.quantization_version", 2u),
            Size("block_count", config.Layers),
            Size("context_length", config.ContextLength),
            Size("embedding_length", config.HiddenSize),
            Size("feed_forward_length", config.FeedForwardSize),
            Size("attention.head_count", config.Heads),
            Size("attention.head_count_kv", config.KvHeads),
            Size("attention.key_length", config.HeadDim),
            Size("attention.value_length", config.HeadDim),
            Size("rope.dimension_count", config.HeadDim),
            Size("vocab_size", config.VocabularySize),
            GgufValue.Of($"{architecture}.attention.layer_norm_rms_epsilon", config.NormEpsilon),
            GgufValue.Of($"{architecture}.rope.freq_base", config.RopeTheta),
        };
        if (model.LoadedTokenizer is { } tokenizer)
            values.AddRange(GgufTokenizerKeys.Of(tokenizer).Select(pair => Value(pair.Key, pair.Value)));
        return GgufMetadata.Of(values);

        GgufValue Size(string key, int value) => GgufValue.Of($"{architecture}.{key}", (uint)value);
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
