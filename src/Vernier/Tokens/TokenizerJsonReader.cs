using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>
/// Reads Hugging Face's tokenizer.json: (1) added_tokens; (2) normalizer; (3) pre_tokenizer; (4) model (BPE or Unigram);
/// (5) post_processor, for BOS; (6) decoder, which only tells byte-level from SentencePiece.
/// </summary>
internal static class TokenizerJsonReader
{
    private static readonly string[] BosNames = ["<s>", "<bos>", "<|begin_of_text|>", "<|endoftext|>"];
    private static readonly string[] EosNames = ["</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"];

    public static ITokenizer Read(string path, TokenizerConfig config)
    {
        try
        {
            using var json = TokenizerJson.Open(path);
            var root = json.RootElement;
            var model = root.Find("model") ?? throw new InvalidDataException($"{path}: no \"model\", expected a tokenizer.json");
            var added = root.Items("added_tokens").Select((token, index) => Added(path, index, token)).ToArray();
            var stages = PreTokenizers(root.Find("pre_tokenizer")).ToArray();
            var isByteLevel = stages.Append(root.Find("decoder") ?? default)
                .Any(stage => stage.ValueKind == JsonValueKind.Object && stage.Text("type") == "ByteLevel");
            return isByteLevel
                ? BytePair(path, root, model, added, stages, config)
                : SentencePiece(path, root, model, added, stages, config);
        }
        catch (InvalidOperationException reason)
        {
            // A string with half a surrogate pair, or a value of another kind than the format asks for.
            throw new InvalidDataException($"{path}: {reason.Message}", reason);
        }
    }

    private static BytePairTokenizer BytePair(
        string path, JsonElement root, JsonElement model, SpecialToken[] added, JsonElement[] stages, TokenizerConfig config)
    {
        CheckType(path, model, "BPE");
        var pieces = TokenizerJson.Pieces(path, model.Find("vocab") ?? default, added);
        var vocabulary = new Vocabulary(pieces, Kinds(pieces, added));
        var (normalizesToNfc, rules) = (false, new List<PreTokenization.Rule>());
        foreach (var normalizer in Flatten(root.Find("normalizer"), "normalizers"))
            normalizesToNfc = normalizer.Text("type") == "NFC" ? true : throw Unknown(path, "normalizer", normalizer);
        var addsPrefix = false;
        foreach (var stage in stages)
        {
            if (stage.Text("type") == "ByteLevel" && stage.Flag("add_prefix_space", otherwise: true))
                addsPrefix = rules.Count == 0 ? true : throw Unknown(path, "pre-tokenizer after another", stage);
            if (Rule(path, stage) is { } rule)
                rules.Add(rule);
        }
        var (bos, eos) = (Bos(root, vocabulary, config), Eos(vocabulary, config));
        return new BytePairTokenizer(new BytePairDefinition(
            path, vocabulary, Merges(path, model, vocabulary), new PreTokenization(rules), added)
        {
            BosId = bos,
            EosId = eos,
            AddsBos = AddsBos(root, config) ?? (bos is { } id && vocabulary[id] == "<|begin_of_text|>"),
            IgnoresMerges = model.Flag("ignore_merges"),
            AddsPrefixSpace = addsPrefix,
            NormalizesToNfc = normalizesToNfc,
        });
    }

    private static SentencePieceTokenizer SentencePiece(
        string path, JsonElement root, JsonElement model, SpecialToken[] added, JsonElement[] stages, TokenizerConfig config)
    {
        var isUnigram = model.Text("type") == "Unigram";
        if (!isUnigram)
            CheckType(path, model, "BPE");
        var scores = new List<float>();
        var pieces = isUnigram ? UnigramPieces(path, model, added, scores) : TokenizerJson.Pieces(path, model.Find("vocab") ?? default, added);
        var unknown = isUnigram
            ? model.Find("unk_id")?.GetInt32()
            : model.Text("unk_token") is { } text ? Array.IndexOf(pieces, text) : null;
        var kinds = Kinds(pieces, added);
        if (unknown is { } unknownId && (uint)unknownId < (uint)kinds.Length)
            kinds[unknownId] = TokenKind.Unknown;
        if (model.Flag("byte_fallback"))
            for (var id = 0; id < kinds.Length; id++)
                if (pieces[id] is { } piece && SentencePieceTokenizer.ByteOf(piece) is not null)
                    kinds[id] = TokenKind.Byte;
        var vocabulary = new Vocabulary(pieces, kinds);
        var definition = new SentencePieceDefinition(path, vocabulary, added)
        {
            Scores = scores,
            Merges = isUnigram ? null : Merges(path, model),
            IsUnigram = isUnigram,
            Prefix = PrefixSpace.Never,
            BosId = Bos(root, vocabulary, config),
            EosId = Eos(vocabulary, config),
            UnknownId = unknown >= 0 ? unknown : null,
            AddsBos = AddsBos(root, config) ?? true,
        };
        foreach (var normalizer in Flatten(root.Find("normalizer"), "normalizers"))
            definition = Normalize(path, definition, normalizer);
        foreach (var stage in stages)
            definition = CutAtSpaces(path, definition, stage);
        return new SentencePieceTokenizer(definition);
    }

    private static SentencePieceDefinition Normalize(string path, SentencePieceDefinition definition, JsonElement normalizer) =>
        (normalizer.Text("type"), normalizer.Text("prepend"), normalizer.Find("pattern")?.Text("String"), normalizer.Text("content")) switch
        {
            ("Prepend", "\u2581", _, _) => definition with { Prefix = PrefixSpace.Always },
            ("Replace", _, " ", "\u2581") => definition,
            ("Strip", _, _, _) => definition with { RemovesExtraSpaces = true },
            ("Replace", _, null, " ") when normalizer.Find("pattern")?.Text("Regex") == " {2,}" => definition with { RemovesExtraSpaces = true },
            _ => throw Unknown(path, "normalizer", normalizer),
        };

    private static SentencePieceDefinition CutAtSpaces(string path, SentencePieceDefinition definition, JsonElement stage)
    {
        if (stage.Text("type") == "Split" && stage.Find("pattern")?.Text("String") == " ")
            return definition;   // Spaces are U+2581 by then: nothing to cut.
        if (stage.Text("type") != "Metaspace" || (stage.Text("replacement") ?? "\u2581") != "\u2581")
            throw Unknown(path, "pre-tokenizer", stage);
        var isPrefixed = definition.Prefix != PrefixSpace.Never;
        var scheme = stage.Text("prepend_scheme") ?? (stage.Flag("add_prefix_space", otherwise: true) ? "always" : "never");
        return definition with
        {
            Prefix = scheme switch
            {
                "always" => PrefixSpace.Always,
                "first" => PrefixSpace.First,
                "never" => definition.Prefix,
                _ => throw Unknown(path, "prepend_scheme", stage),
            },
            KeepsPresentSpace = !isPrefixed && scheme != "never",
            SplitsAtSpaces = stage.Flag("split", otherwise: true),
        };
    }

    private static PreTokenization.Rule? Rule(string path, JsonElement stage)
    {
        switch (stage.Text("type"))
        {
            case "ByteLevel":
                return stage.Flag("use_regex", otherwise: true) ? new PreTokenization.Split(Gpt2PreTokenizer.Pattern) : null;
            case "Digits":
                return new PreTokenization.Digits(stage.Flag("individual_digits"));
            case "Split" when stage.Text("behavior") == "Isolated" || (stage.Text("behavior") == "Removed" && stage.Flag("invert")):
                if (stage.Find("pattern") is { } pattern && (pattern.Text("Regex") ?? Escaped(pattern.Text("String"))) is { } regex)
                    return new PreTokenization.Split(regex);
                break;
        }
        throw Unknown(path, "pre-tokenizer", stage);
    }

    private static string? Escaped(string? literal) => literal is null ? null : System.Text.RegularExpressions.Regex.Escape(literal);

    private static IEnumerable<JsonElement> PreTokenizers(JsonElement? preTokenizer) => Flatten(preTokenizer, "pretokenizers");

    /// <summary>The parts of a sequence in order; sequences may hold sequences.</summary>
    private static IEnumerable<JsonElement> Flatten(JsonElement? part, string listName) => part switch
    {
        null => [],
        { } sequence when sequence.Text("type") == "Sequence" => sequence.Items(listName).SelectMany(item => Flatten(item, listName)),
        { } single => [single],
    };

    private static PieceMerge[] Merges(string path, JsonElement model, Vocabulary vocabulary)
    {
        var merges = new MergeList(path, vocabulary);
        foreach (var (left, right) in Merges(path, model))
            merges.Add(left, right);
        return merges.ToArray();
    }

    private static List<(string Left, string Right)> Merges(string path, JsonElement model)
    {
        foreach (var setting in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (model.Text(setting) is { Length: > 0 } value)
                throw new NotSupportedException($"{path}: {setting} \"{value}\" is not done here");
        return [.. model.Items("merges").Select((merge, rank) => TokenizerJson.Merge(path, rank, merge))];
    }

    private static string?[] UnigramPieces(string path, JsonElement model, SpecialToken[] added, List<float> scores)
    {
        var entries = new List<(string, int)>();
        foreach (var entry in model.Items("vocab"))
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2)
                throw new InvalidDataException($"{path}: entry {entries.Count} of the vocabulary is {entry}, expected a piece and its score");
            scores.Add(entry[1].GetSingle());
            entries.Add((entry[0].GetString()!, entries.Count));
        }
        entries.AddRange(added.Select(token => (token.Content, token.Id)));
        var pieces = TokenizerJson.Place(path, entries);
        while (scores.Count < pieces.Length)
            scores.Add(0);
        return pieces;
    }

    private static SpecialToken Added(string path, int index, JsonElement token) =>
        token.Text("content") is { } content && token.Find("id") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var id) && id >= 0
            ? new SpecialToken(
                content, id, IsControl: token.Flag("special"), token.Flag("lstrip"), token.Flag("rstrip"), token.Flag("single_word"))
            : throw new InvalidDataException($"{path}: added token {index} is {token}, expected a content and an id");

    private static TokenKind[] Kinds(string?[] pieces, SpecialToken[] added)
    {
        var kinds = new TokenKind[pieces.Length];
        Array.Fill(kinds, TokenKind.Normal);
        foreach (var token in added)
            kinds[token.Id] = token.IsControl ? TokenKind.Control : TokenKind.UserDefined;
        return kinds;
    }

    private static int? Bos(JsonElement root, Vocabulary vocabulary, TokenizerConfig config) =>
        FirstKnown(vocabulary, [config.BosToken, LeadingSpecial(root), .. BosNames]);

    private static int? Eos(Vocabulary vocabulary, TokenizerConfig config) =>
        FirstKnown(vocabulary, [config.EosToken, .. EosNames]);

    private static int? FirstKnown(Vocabulary vocabulary, IEnumerable<string?> names) =>
        names.OfType<string>().Select(vocabulary.Find).FirstOrDefault(id => id is not null);

    private static bool? AddsBos(JsonElement root, TokenizerConfig config) =>
        config.AddsBos ?? (LeadingSpecial(root) is not null ? true : null);

    /// <summary>The special token that the post-processor's template puts in front of a text, or null.</summary>
    private static string? LeadingSpecial(JsonElement root) => Flatten(root.Find("post_processor"), "processors")
        .Where(processor => processor.Text("type") == "TemplateProcessing")
        .Select(processor => processor.Items("single").FirstOrDefault())
        .Select(first => first.ValueKind == JsonValueKind.Object ? first.Find("SpecialToken")?.Text("id") : null)
        .FirstOrDefault(id => id is not null);

    private static void CheckType(string path, JsonElement model, string expected)
    {
        // Older files leave the type out.
        if ((model.Text("type") ?? expected) != expected)
            throw new NotSupportedException($"{path}: a tokenizer model of type \"{model.Text("type")}\"; known are BPE and Unigram");
    }

    private static NotSupportedException Unknown(string path, string what, JsonElement found)
    {
        var text = found.GetRawText();
        return new($"{path}: the {what} {(text.Length > 200 ? text[..200] + "..." : text)} is not done here");
    }
}
