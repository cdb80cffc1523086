using Vernier.Files.Gguf;

namespace Vernier.Tokens;

/// <summary>Reads the <c>tokenizer.*</c> keys of a GGUF file.</summary>
internal static class GgufTokenizerReader
{
    private const string Prefix = "tokenizer.ggml.";

    public static LoadedTokenizer? Read(GgufMetadata metadata, string source)
    {
        var model = metadata.FindString(Prefix + "model");
        if (model is null or "no_vocab" or "none" || metadata.FindStrings(Prefix + "tokens") is not { } pieces)
            return null;
        var vocabulary = new Vocabulary(pieces, Kinds(metadata, pieces, source));
        ITokenizer tokenizer = model switch
        {
            "gemma4" => Spaced(metadata, vocabulary, source),
            "gpt2" when metadata.FindString(Prefix + "pre") is "gemma4" or "granite-embed-multi-311m" or "sarvam-moe" => Spaced(metadata, vocabulary, source),
            "gpt2" => new BytePairTokenizer(BytePair(metadata, vocabulary, source)),
            "llama" => new SentencePieceTokenizer(SentencePiece(metadata, vocabulary, source)),
            _ => throw new NotSupportedException($"{source}: the tokenizer is of kind \"{model}\" ({Prefix}model); known are gpt2, llama and gemma4"),
        };
        return LoadedTokenizer.Of(tokenizer, metadata.FindString("tokenizer.chat_template"),
            [metadata.FindInteger(Prefix + "eot_token_id"), metadata.FindInteger(Prefix + "eom_token_id")]);
    }

    private static BytePairDefinition BytePair(GgufMetadata metadata, Vocabulary vocabulary, string source)
    {
        var pre = metadata.FindString(Prefix + "pre") ?? "default";
        var known = FindPreTokenizer(pre, source);
        return new BytePairDefinition(
            source,
            vocabulary,
            Merges(metadata, vocabulary, source),
            known.Rules,
            vocabulary.SpecialTokens())
        {
            BosId = Id(metadata, vocabulary, "bos_token_id", source),
            EosId = Id(metadata, vocabulary, "eos_token_id", source),
            AddsBos = metadata.FindBool(Prefix + "add_bos_token") ?? known.AddsBos,
            AddsPrefixSpace = metadata.FindBool(Prefix + "add_space_prefix") ?? false,
            IgnoresMerges = known.IgnoresMerges,
        };
    }

    /// <summary>BPE over characters with U+2581 for a space, as Gemma's tokenizer.json has it; text is cut at line ends only.</summary>
    private static PipelineTokenizer Spaced(GgufMetadata metadata, Vocabulary vocabulary, string source) =>
        new(new PipelineDefinition(source, vocabulary, vocabulary.SpecialTokens())
        {
            Normalization = new(new Normalization.Replace(" ", IsLiteral: true, SentencePieceTokenizer.Space.ToString())),
            Stages = [new PipelineStage.Cut(new PreTokenization.Split(@"[^\n]+|\n+"))],
            Merges = Merges(metadata, vocabulary, source),
            IsByteFallback = true,
            FusesUnknown = true,
            Spelling = new PieceSpelling([new PieceSpelling.Replace(SentencePieceTokenizer.Space.ToString(), " "), new PieceSpelling.Bytes()]),
            BosId = Id(metadata, vocabulary, "bos_token_id", source),
            EosId = Id(metadata, vocabulary, "eos_token_id", source),
            UnknownId = Id(metadata, vocabulary, "unknown_token_id", source),
            AddsBos = metadata.FindBool(Prefix + "add_bos_token") ?? metadata.FindString(Prefix + "model") == "gemma4",
        });

    private static PieceMerge[] Merges(GgufMetadata metadata, Vocabulary vocabulary, string source)
    {
        var merges = metadata.FindStrings(Prefix + "merges")
            ?? throw new InvalidDataException($"{source}: no {Prefix}merges, which a tokenizer of its kind needs");
        var list = new MergeList(source);
        foreach (var merge in merges)
            list.Add(merge);
        return list.Resolve(vocabulary);
    }

    private static GgufPreTokenizer FindPreTokenizer(string name, string source)
    {
        try
        {
            return GgufPreTokenizer.Find(name);
        }
        catch (NotSupportedException reason)
        {
            throw new NotSupportedException($"{source}: {reason.Message}", reason);
        }
    }

    private static SentencePieceDefinition SentencePiece(GgufMetadata metadata, Vocabulary vocabulary, string source) =>
        new(source, vocabulary, vocabulary.SpecialTokens())
        {
            Scores = metadata.TryGet(Prefix + "scores", out var scores)
                ? scores.AsNumbers<float>()
                : throw new InvalidDataException($"{source}: no {Prefix}scores, which a tokenizer of kind llama needs"),
            Prefix = metadata.FindBool(Prefix + "add_space_prefix") ?? true ? PrefixSpace.Always : PrefixSpace.Never,
            RemovesExtraSpaces = metadata.FindBool(Prefix + "remove_extra_whitespaces") ?? false,
            BosId = Id(metadata, vocabulary, "bos_token_id", source) ?? vocabulary.Find("<s>"),
            EosId = Id(metadata, vocabulary, "eos_token_id", source) ?? vocabulary.Find("</s>"),
            UnknownId = Id(metadata, vocabulary, "unknown_token_id", source) ?? vocabulary.Find("<unk>"),
            AddsBos = metadata.FindBool(Prefix + "add_bos_token") ?? true,
        };

    private static TokenKind[] Kinds(GgufMetadata metadata, string[] pieces, string source)
    {
        if (!metadata.TryGet(Prefix + "token_type", out var value))
            return [];
        var numbers = value.AsNumbers<int>();
        if (numbers.Length != pieces.Length)
            throw new InvalidDataException($"{source}: {numbers.Length} entries in {Prefix}token_type, expected {pieces.Length}, one a token");
        var kinds = new TokenKind[numbers.Length];
        for (var id = 0; id < kinds.Length; id++)
            kinds[id] = numbers[id] switch
            {
                0 => TokenKind.Normal,
                >= (int)TokenKind.Normal and <= (int)TokenKind.Byte => (TokenKind)numbers[id],
                _ => throw new InvalidDataException($"{source}: token {id} has the type {numbers[id]} ({Prefix}token_type), expected 1 to 6"),
            };
        return kinds;
    }

    private static int? Id(GgufMetadata metadata, Vocabulary vocabulary, string key, string source)
    {
        if (metadata.FindInteger(Prefix + key) is not { } id || id is uint.MaxValue or < 0)
            return null;
        return id < vocabulary.Count
            ? (int)id
            : throw new InvalidDataException($"{source}: {Prefix}{key} is {id}, expected less than the {vocabulary.Count} tokens");
    }
}
