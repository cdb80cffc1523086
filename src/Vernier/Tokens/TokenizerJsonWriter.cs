using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Files.Disk;

namespace Vernier.Tokens;

/// <summary>Writes a tokenizer as Hugging Face's tokenizer.json and tokenizer_config.json.</summary>
internal static class TokenizerJsonWriter
{
    internal const string OuterSpaces = @"\A[ \x{2581}]+|[ \x{2581}]+\z";
    internal const string RepeatedSpaces = @"[ \x{2581}]{2,}";
    private const string Space = "\u2581";
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes both files into a folder.</summary>
    public static void Write(LoadedTokenizer loaded, string folder)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        OutputFile.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer(loaded.Tokenizer).ToJsonString(Layout));
        OutputFile.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), Config(loaded).ToJsonString(Layout));
    }

    /// <summary>The content of tokenizer.json.</summary>
    /// <exception cref="NotSupportedException">The tokenizer is of a kind that the format does not know.</exception>
    public static JsonObject Tokenizer(ITokenizer tokenizer) => tokenizer switch
    {
        BytePairTokenizer bytePair => BytePair(bytePair.Definition),
        SentencePieceTokenizer sentencePiece => SentencePiece(sentencePiece.Definition),
        PipelineTokenizer pipeline => TokenizerJson.Read(pipeline.Definition.Source, root => JsonObject.Create(root.Clone())!),
        _ => throw new NotSupportedException($"a tokenizer of type {tokenizer.GetType().Name} has no form in tokenizer.json"),
    };

    private static JsonObject Config(LoadedTokenizer loaded)
    {
        var tokenizer = loaded.Tokenizer;
        var config = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["add_bos_token"] = tokenizer.AddsBos,
            ["clean_up_tokenization_spaces"] = false,
        };
        if (tokenizer.BosId is { } bos)
            config["bos_token"] = tokenizer.Piece(bos);
        if (tokenizer.EosId is { } eos)
            config["eos_token"] = tokenizer.Piece(eos);
        if (tokenizer.UnknownId is { } unknown)
            config["unk_token"] = tokenizer.Piece(unknown);
        if (loaded.ChatTemplateSource is { } template)
            config["chat_template"] = template;
        return config;
    }

    private static JsonObject BytePair(BytePairDefinition definition)
    {
        var stages = new JsonArray();
        foreach (var rule in definition.PreTokenization.Rules)
            stages.Add(PreTokenizerJson.Write(rule));
        // With a prefix space, ByteLevel's own pattern has to do the cutting, after the space is there.
        var usesOwnPattern = definition.AddsPrefixSpace && definition.PreTokenization.Rules is [PreTokenization.Split { Pattern: Gpt2PreTokenizer.Pattern }];
        if (usesOwnPattern)
            stages.Clear();
        stages.Add(ByteLevel(definition.AddsPrefixSpace, usesOwnPattern));
        var model = Model(definition.Vocabulary, unknown: null, isByteFallback: false, definition.IgnoresMerges, definition.SpelledMerges());
        return Whole(
            definition.SpecialTokens,
            NormalizerJson.Write(definition.Normalization),
            new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = stages },
            definition.AddsBos && definition.BosId is { } bos
                ? PostProcessor(definition.Vocabulary[bos], bos)
                : ByteLevel(addsPrefixSpace: false, usesPattern: true),
            ByteLevel(addsPrefixSpace: true, usesPattern: true),
            model);
    }

    private static JsonObject SentencePiece(SentencePieceDefinition definition)
    {
        var vocabulary = definition.Vocabulary;
        var hasBytes = Enumerable.Range(0, vocabulary.Count).Any(id => vocabulary.Kind(id) == TokenKind.Byte);
        var normalizers = new JsonArray();
        if (definition.RemovesExtraSpaces)
        {
            normalizers.Add(Replace("Regex", OuterSpaces, ""));
            normalizers.Add(Replace("Regex", RepeatedSpaces, " "));
        }
        var isMetaspace = definition.Prefix == PrefixSpace.First || definition.KeepsPresentSpace || definition.SplitsAtSpaces;
        if (!isMetaspace && definition.Prefix == PrefixSpace.Always)
            normalizers.Add(new JsonObject { ["type"] = "Prepend", ["prepend"] = Space });
        if (!isMetaspace)
            normalizers.Add(Replace("String", " ", Space));
        var metaspace = new JsonObject
        {
            ["type"] = "Metaspace",
            ["replacement"] = Space,
            ["prepend_scheme"] = definition.Prefix.ToString().ToLowerInvariant(),
            ["split"] = definition.SplitsAtSpaces,
        };
        var decoders = new JsonArray(Replace("String", Space, " "), new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" });
        if (definition.Prefix != PrefixSpace.Never)
            decoders.Add(new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 });
        return Whole(
            definition.SpecialTokens,
            normalizers.Count == 0 ? null : new JsonObject { ["type"] = "Sequence", ["normalizers"] = normalizers },
            isMetaspace ? metaspace : null,
            definition.AddsBos && definition.BosId is { } bos ? PostProcessor(vocabulary[bos], bos) : null,
            new JsonObject { ["type"] = "Sequence", ["decoders"] = decoders },
            definition.IsUnigram
                ? UnigramModel(definition, hasBytes)
                : Model(vocabulary, definition.UnknownId, hasBytes, ignoresMerges: false, definition.Merges?.Select(merge => (vocabulary[merge.Left], vocabulary[merge.Right])) ?? MergesByScore(definition)));
    }

    private static JsonObject Whole(
        IReadOnlyList<SpecialToken> specials, JsonNode? normalizer, JsonNode? preTokenizer, JsonNode? postProcessor, JsonNode decoder, JsonNode model)
    {
        var added = new JsonArray();
        foreach (var token in specials.OrderBy(token => token.Id))
            added.Add(new JsonObject
            {
                ["id"] = token.Id,
                ["content"] = token.Content,
                ["single_word"] = token.SingleWord,
                ["lstrip"] = token.StripsLeft,
                ["rstrip"] = token.StripsRight,
                ["normalized"] = token.IsNormalized,
                ["special"] = token.IsControl,
            });
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = added,
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = postProcessor,
            ["decoder"] = decoder,
            ["model"] = model,
        };
    }

    private static JsonObject Model(
        Vocabulary vocabulary, int? unknown, bool isByteFallback, bool ignoresMerges, IEnumerable<(string Left, string Right)> merges)
    {
        var pieces = new JsonObject();
        for (var id = 0; id < vocabulary.Count; id++)
            if (vocabulary.Find(vocabulary[id]) == id)
                pieces[vocabulary[id]] = id;
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = unknown is { } unknownId ? vocabulary[unknownId] : null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = unknown is not null,
            ["byte_fallback"] = isByteFallback,
            ["ignore_merges"] = ignoresMerges,
            ["vocab"] = pieces,
            ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)$"{merge.Left} {merge.Right}")]),
        };
    }

    private static JsonObject UnigramModel(SentencePieceDefinition definition, bool hasBytes)
    {
        var pieces = new JsonArray();
        for (var id = 0; id < definition.Vocabulary.Count; id++)
            pieces.Add(new JsonArray(definition.Vocabulary[id], definition.Scores[id]));
        return new JsonObject { ["type"] = "Unigram", ["unk_id"] = definition.UnknownId, ["vocab"] = pieces, ["byte_fallback"] = hasBytes };
    }

    /// <summary>Every split of a piece into two pieces, the best-scored piece first; of equals the one with the longer parts.</summary>
    private static List<(string Left, string Right)> MergesByScore(SentencePieceDefinition definition)
    {
        var vocabulary = definition.Vocabulary;
        bool IsText(int? id) => id is { } known && vocabulary.Kind(known) is TokenKind.Normal or TokenKind.UserDefined;
        var merges = new List<(string Left, string Right, float Score)>();
        for (var id = 0; id < vocabulary.Count; id++)
            for (var cut = 1; IsText(id) && cut < vocabulary[id].Length; cut++)
            {
                var (left, right) = (vocabulary[id][..cut], vocabulary[id][cut..]);
                if (IsText(vocabulary.Find(left)) && IsText(vocabulary.Find(right)))
                    merges.Add((left, right, definition.Scores[id]));
            }
        return [.. merges.OrderByDescending(merge => merge.Score).ThenByDescending(merge => merge.Left.Length)
            .ThenByDescending(merge => merge.Right.Length).Select(merge => (merge.Left, merge.Right))];
    }

    private static JsonObject PostProcessor(string bos, int id) => new()
    {
        ["type"] = "TemplateProcessing",
        ["single"] = new JsonArray(Special(bos, 0), Sequence("A", 0)),
        ["pair"] = new JsonArray(Special(bos, 0), Sequence("A", 0), Special(bos, 1), Sequence("B", 1)),
        ["special_tokens"] = new JsonObject
        {
            [bos] = new JsonObject { ["id"] = bos, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(bos) },
        },
    };

    private static JsonObject Special(string token, int type) => new() { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = type } };

    private static JsonObject Sequence(string name, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = name, ["type_id"] = type } };

    private static JsonObject Replace(string kind, string pattern, string content) =>
        new() { ["type"] = "Replace", ["pattern"] = new JsonObject { [kind] = pattern }, ["content"] = content };

    private static JsonObject ByteLevel(bool addsPrefixSpace, bool usesPattern) =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = addsPrefixSpace, ["trim_offsets"] = true, ["use_regex"] = usesPattern };
}
