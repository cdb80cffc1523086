using Vernier.Files.Gguf;

namespace Vernier.Models;

/// <summary>Reads the configuration of a GGUF file's model from its metadata and the presence of tensors.</summary>
internal static class GgufConfig
{
    /// <summary>LongRoPE's divisors, one for each rotary pair.</summary>
    internal const string LongFactors = "rope_factors_long.weight";

    /// <inheritdoc cref="LongFactors"/>
    internal const string ShortFactors = "rope_factors_short.weight";

    /// <summary>Vernier's own key: all ids that end a text, where there are more than GGUF has names for.</summary>
    internal const string MoreEndIds = "vernier.end_token_ids";

    /// <exception cref="InvalidDataException">A key is missing or has a value that cannot be.</exception>
    /// <exception cref="NotSupportedException">The architecture or rope scaling is not known.</exception>
    public static ModelConfig Read(GgufFile file)
    {
        var architecture = ArchitectureOf(file);
        var keys = new Keys(file, architecture);
        var hidden = keys.Size("embedding_length");
        var layers = keys.Size("block_count");
        var heads = keys.UniformSize("attention.head_count");
        var headDim = HeadDim(file, keys, usual: hidden / heads);
        var context = keys.Size("context_length");
        var rotaryDim = RotaryDim(file, architecture, keys, headDim);
        var family = GgufVariants.Family(file, architecture);
        GgufRules.Check(file, architecture, family, headDim);
        var rope = ReadScaling(file, architecture, rotaryDim, context);
        return GgufVariants.Of(file, architecture, GgufFamilies.Apply(file, architecture, rope.Apply(new ModelConfig
        {
            Architecture = family,
            HiddenSize = hidden,
            Layers = layers,
            Heads = heads,
            KvHeads = keys.Uniform("attention.head_count_kv") ?? heads,
            HeadDim = headDim,
            FeedForwardSize = keys.Uniform("feed_forward_length") ?? throw keys.Missing("feed_forward_length"),
            VocabularySize = (int)Math.Min(file.Get("token_embd.weight").Rows, int.MaxValue),
            ContextLength = context,
            NormEpsilon = NormEpsilon(file, architecture, keys),
            RotaryDim = rotaryDim,
            AttentionScale = 1 / MathF.Sqrt(headDim),
            AttentionWindows = keys.Integer("attention.sliding_window") is { } window and > 0 ? Enumerable.Repeat(window, layers).ToArray() : [],
            AttentionInputBias = HasBias(file, "attn_q") || HasBias(file, "attn_qkv"),
            AttentionOutputBias = HasBias(file, "attn_output"),
            FeedForwardBias = HasBias(file, "ffn_up"),
            QkNorm = file.Find("blk.0.attn_q_norm.weight") is not null,
            TiedHead = file.Find("output.weight") is null,
            PaddingTokenId = PaddingTokenId(file.Metadata),
            BosTokenId = (int?)file.Metadata.FindInteger("tokenizer.ggml.bos_token_id"),
            EosTokenIds = EndIds(file.Metadata),
        }))).Checked(file.Path);
    }

    /// <summary>As the file spells it.</summary>
    private static string ArchitectureOf(GgufFile file)
    {
        var architecture = file.Metadata["general.architecture"].AsString();
        return architecture == "mistral" || GgufArchitecture.All.Contains(architecture)
            ? architecture
            : throw new NotSupportedException($"{file.Path}: general.architecture '{architecture}' is not supported in GGUF files; supported are mistral, {string.Join(", ", GgufArchitecture.All)}");
    }

    private static float NormEpsilon(GgufFile file, string architecture, Keys keys) =>
        (float)(file.Metadata.FindNumber($"{architecture}.attention.layer_norm_rms_epsilon")
            ?? file.Metadata.FindNumber($"{architecture}.attention.layer_norm_epsilon") ?? throw keys.Missing("attention.layer_norm_rms_epsilon"));

    private static int? PaddingTokenId(GgufMetadata metadata) =>
        metadata.FindInteger("tokenizer.ggml.padding_token_id") is >= 0 and <= int.MaxValue and var padding ? (int)padding : null;

    private static bool HasBias(GgufFile file, string part) => file.Find($"blk.0.{part}.bias") is not null;

    private static int HeadDim(GgufFile file, Keys keys, int usual)
    {
        var headDim = keys.Integer("attention.key_length") ?? usual;
        if (keys.Integer("attention.value_length") is { } valueDim && valueDim != headDim)
            throw new NotSupportedException($"{file.Path}: values of {valueDim} channels beside keys of {headDim}");
        return headDim;
    }

    private static int RotaryDim(GgufFile file, string architecture, Keys keys, int headDim)
    {
        var rotary = keys.Integer("rope.dimension_count") ?? headDim;
        return rotary == headDim || (GgufArchitecture.RotatesInPart(architecture) && rotary > 0 && rotary < headDim)
            ? rotary
            : throw new NotSupportedException($"{file.Path}: {rotary} rotary channels in heads of {headDim}");
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
        if (file.Find(LongFactors) is not null && GgufArchitecture.HasLongRope(architecture))
            return ReadLongRope(file, theta, headDim, new RopeFormula { Type = RopeFormula.LongRope, Factor = (double)context / original, OriginalContext = (int)original }, (float)attention);
        if (file.Find("rope_freqs.weight") is not { } tensor)
            return new RopeScaling(theta, formula?.Factors(theta, headDim) ?? [], (float)(attention * (type == RopeFormula.Yarn ? formula?.UsualAttentionFactor ?? 1 : 1)), formula);
        if (formula is not null)
            throw new NotSupportedException($"{file.Path}: rope scaling '{type}' together with the tensor 'rope_freqs.weight' is not done here");
        var factors = PairFactors(file, tensor.Name, headDim);
        return new RopeScaling(theta, factors, (float)attention, RopeHint.Read(metadata, theta, factors));
    }

    private static RopeScaling ReadLongRope(GgufFile file, float theta, int rotaryDim, RopeFormula formula, float attention)
    {
        formula = formula with { ShortFactors = PairFactors(file, ShortFactors, rotaryDim), LongFactors = PairFactors(file, LongFactors, rotaryDim) };
        return new RopeScaling(theta, formula.Factors(theta, rotaryDim), attention, formula);
    }

    private static float[] PairFactors(GgufFile file, string name, int rotaryDim)
    {
        var tensor = file.Find(name) ?? throw new InvalidDataException($"{file.Path}: tensors: found none named '{name}', expected it");
        return tensor.Elements == rotaryDim / 2 ? file.ReadAll(tensor)
            : throw new InvalidDataException($"{file.Path}: tensor '{name}': found {tensor.Elements} values, expected {rotaryDim / 2}");
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

    /// <summary>The keys that begin with the architecture's name.</summary>
    private readonly struct Keys(GgufFile file, string architecture)
    {
        public int Size(string key)
        {
            var value = Integer(key) ?? throw Missing(key);
            return value is > 0 and < 1 << 28 ? value : throw Wrong(key, value, "a positive size");
        }

        public int? Integer(string key) => file.Metadata.FindInteger($"{architecture}.{key}") is { } value
            ? value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Wrong(key, value, "a 32-bit integer")
            : null;

        /// <summary>Some files state one value a layer.</summary>
        public int? Uniform(string key)
        {
            if (!file.Metadata.TryGet($"{architecture}.{key}", out var value) || value.Type != GgufValueType.Array)
                return Integer(key);
            var all = value.AsNumbers<int>();
            if (all.Length == 0 || all.Any(v => v != all[0]))
                throw new NotSupportedException($"{file.Path}: key '{architecture}.{key}' differs from layer to layer");
            return all[0];
        }

        public int UniformSize(string key)
        {
            var value = Uniform(key) ?? throw Missing(key);
            return value > 0 ? value : throw Wrong(key, value, "a positive size");
        }

        public InvalidDataException Missing(string key) => new($"{file.Path}: metadata: key '{architecture}.{key}' is missing");

        private InvalidDataException Wrong(string key, long found, string expected) => new($"{file.Path}: metadata: key '{architecture}.{key}': found {found}, expected {expected}");
    }
}
