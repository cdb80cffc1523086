using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>Reads the configuration of a GGUF file's model from its metadata and the presence of tensors.</summary>
internal static class GgufConfig
{
    /// <summary>Vernier's own key: all ids that end a text, where there are more than GGUF has names for.</summary>
    internal const string MoreEndIds = "vernier.end_token_ids";

    /// <exception cref="InvalidDataException">A key is missing or has a value that cannot be.</exception>
    /// <exception cref="NotSupportedException">The architecture or rope scaling is not known.</exception>
    public static ModelConfig Read(GgufFile file)
    {
        var metadata = file.Metadata;
        var architecture = metadata["general.architecture"].AsString();
        if (architecture is not ("llama" or "mistral" or "qwen2" or "qwen3"))
            throw new NotSupportedException($"{file.Path}: general.architecture '{architecture}' is not supported in GGUF files; supported are llama, mistral, qwen2 and qwen3");
        var hidden = Size("embedding_length");
        var layers = Size("block_count");
        var heads = Uniform("attention.head_count") ?? throw Missing("attention.head_count");
        if (heads <= 0)
            throw Wrong("attention.head_count", heads, "a positive size");
        var headDim = Integer("attention.key_length") ?? hidden / heads;
        if (Integer("attention.value_length") is { } valueDim && valueDim != headDim)
            throw new NotSupportedException($"{file.Path}: values of {valueDim} channels beside keys of {headDim}");
        var context = Size("context_length");
        var rotary = Integer("rope.dimension_count") ?? headDim;
        if (rotary != headDim)
            throw new NotSupportedException($"{file.Path}: {rotary} rotary channels in heads of {headDim}");
        GgufRules.Check(file, architecture, headDim);
        var table = file.Get("token_embd.weight");
        var scaling = ReadScaling(file, architecture, headDim, context);
        return new ModelConfig
        {
            Architecture = architecture,
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = Uniform("attention.head_count_kv") ?? heads,
            HeadDim = headDim,
            FeedForwardSize = Uniform("feed_forward_length") ?? throw Missing("feed_forward_length"),
            VocabularySize = (int)Math.Min(table.Rows, int.MaxValue),
            ContextLength = context,
            NormEpsilon = (float)(metadata.FindNumber($"{architecture}.attention.layer_norm_rms_epsilon") ?? throw Missing("attention.layer_norm_rms_epsilon")),
            RopeTheta = scaling.Theta,
            RotaryDim = headDim,
            RopeFrequencyFactors = scaling.Factors,
            RopeFormula = scaling.Formula,
            RopeAttentionFactor = scaling.AttentionFactor,
            AttentionScale = 1 / MathF.Sqrt(headDim),
            AttentionWindows = Integer("attention.sliding_window") is { } window and > 0 ? Enumerable.Repeat(window, layers).ToArray() : [],
            AttentionInputBias = file.Find("blk.0.attn_q.bias") is not null,
            AttentionOutputBias = file.Find("blk.0.attn_output.bias") is not null,
            FeedForwardBias = file.Find("blk.0.ffn_up.bias") is not null,
            QkNorm = file.Find("blk.0.attn_q_norm.weight") is not null,
            TiedHead = file.Find("output.weight") is null,
            PaddingTokenId = metadata.FindInteger("tokenizer.ggml.padding_token_id") is >= 0 and <= int.MaxValue and var padding ? (int)padding : null,
            BosTokenId = (int?)metadata.FindInteger("tokenizer.ggml.bos_token_id"),
            EosTokenIds = EndIds(metadata),
        }.Checked(file.Path);

        int Size(string key)
        {
            var value = Integer(key) ?? throw Missing(key);
            return value is > 0 and < 1 << 28 ? value : throw Wrong(key, value, "a positive size");
        }

        int? Integer(string key) => metadata.FindInteger($"{architecture}.{key}") is { } value
            ? value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Wrong(key, value, "a 32-bit integer")
            : null;

        // Some files state one value a layer.
        int? Uniform(string key)
        {
            if (!metadata.TryGet($"{architecture}.{key}", out var value) || value.Type != GgufValueType.Array)
                return Integer(key);
            var all = value.AsNumbers<int>();
            if (all.Length == 0 || all.Any(v => v != all[0]))
                throw new NotSupportedException($"{file.Path}: key '{architecture}.{key}' differs from layer to layer");
            return all[0];
        }

        InvalidDataException Missing(string key) => new($"{file.Path}: metadata: key '{architecture}.{key}' is missing");

        InvalidDataException Wrong(string key, long found, string expected) => new($"{file.Path}: metadata: key '{architecture}.{key}': found {found}, expected {expected}");
    }

    private static RopeScaling ReadScaling(GgufFile file, string architecture, int headDim, int context)
    {
        var metadata = file.Metadata;
        var theta = (float)(metadata.FindNumber($"{architecture}.rope.freq_base") ?? 10000);
        var type = metadata.FindString($"{architecture}.rope.scaling.type") ?? RopeFormula.Linear;
        if (type is not ("none" or RopeFormula.Linear or RopeFormula.Yarn))
            throw new NotSupportedException($"{file.Path}: key '{architecture}.rope.scaling.type': rope scaling '{type}' is not supported; supported are linear and yarn");
        var factor = metadata.FindNumber($"{architecture}.rope.scaling.factor") ?? metadata.FindNumber($"{architecture}.rope.scale_linear") ?? 1;
        var attention = metadata.FindNumber($"{architecture}.rope.scaling.attn_factor") ?? 1;
        var original = metadata.FindInteger($"{architecture}.rope.scaling.original_context_length") ?? context;
        if (!(factor >= 0) || original is <= 0 or > int.MaxValue)
            throw new InvalidDataException($"{file.Path}: metadata: keys '{architecture}.rope.scaling': found factor {factor} and original context {original}, expected positive numbers");
        RopeFormula? formula = factor is 0 or 1 || type == "none" ? null : new RopeFormula { Type = type, Factor = factor, OriginalContext = (int)original };
        if (file.Find("rope_freqs.weight") is not { } tensor)
            return new RopeScaling(theta, formula?.Factors(theta, headDim) ?? [], (float)(attention * (type == RopeFormula.Yarn ? formula?.UsualAttentionFactor ?? 1 : 1)), formula);
        if (tensor.Elements != headDim / 2)
            throw new InvalidDataException($"{file.Path}: tensor 'rope_freqs.weight': found {tensor.Elements} values, expected {headDim / 2}");
        if (formula is not null)
            throw new NotSupportedException($"{file.Path}: rope scaling '{type}' together with the tensor 'rope_freqs.weight' is not done here");
        var factors = file.ReadAll(tensor);
        return new RopeScaling(theta, factors, (float)attention, RopeHint.Read(metadata, theta, factors));
    }

    private static List<int> EndIds(GgufMetadata metadata)
    {
        var ids = new List<int>();
        foreach (var name in (string[])["eos", "eot", "eom"])
            Add(metadata.FindInteger($"tokenizer.ggml.{name}_token_id"));
        if (metadata.TryGet(MoreEndIds, out var more))
            foreach (var id in more.AsNumbers<int>())
                Add(id);
        return ids;

        void Add(long? id)
        {
            if (id is >= 0 and <= int.MaxValue && !ids.Contains((int)id))
                ids.Add((int)id);
        }
    }
}
