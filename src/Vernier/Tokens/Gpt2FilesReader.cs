namespace Vernier.Tokens;

/// <summary>
/// Reads GPT-2's pair of files: a vocabulary (encoder.json, vocab.json) and the list of merges (vocab.bpe, merges.txt), with the
/// tokens that tokenizer_config.json and added_tokens.json add. How text is cut is known by the tokenizer's class.
/// </summary>
internal static class Gpt2FilesReader
{
    private const string EndOfText = "<|endoftext|>";
    private static readonly string[] UsualSpecials = ["<s>", "</s>", "<pad>", "<unk>"];

    public static BytePairTokenizer Read(string vocabularyPath, string mergesPath, TokenizerConfig config)
    {
        if (!File.Exists(mergesPath))
            throw new InvalidDataException($"{vocabularyPath}: the list of merges {Path.GetFileName(mergesPath)} is not beside it");
        var (rules, normalization) = RulesOf(vocabularyPath, config.Class);
        var pieces = TokenizerJson.Read(vocabularyPath, root => TokenizerJson.Pieces(vocabularyPath, root, config.AddedTokens));
        var specials = Specials(pieces, config);
        var kinds = new TokenKind[pieces.Length];
        Array.Fill(kinds, TokenKind.Normal);
        foreach (var token in specials)
            kinds[token.Id] = token.IsControl ? TokenKind.Control : TokenKind.UserDefined;
        var vocabulary = new Vocabulary(pieces, kinds);
        var merges = new MergeList(mergesPath);
        foreach (var line in TokenizerJson.ReadLines(mergesPath))
            if (line.Length > 0 && !(merges.Count == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
                merges.Add(line);
        var end = vocabulary.Find(config.EosToken ?? EndOfText);
        var isRoberta = config.Class is not null && BaseName(config.Class) is "Roberta" or "Bart" or "Longformer" or "LED";
        return new BytePairTokenizer(new BytePairDefinition(vocabularyPath, vocabulary, merges.Resolve(vocabulary), rules, specials)
        {
            BosId = config.BosToken is { } bos ? vocabulary.Find(bos) : normalization.IsNfc ? null : end,
            EosId = end,
            AddsBos = config.AddsBos ?? isRoberta,
            AddsPrefixSpace = config.AddsPrefixSpace ?? false,
            Normalization = normalization,
        });
    }

    private static (PreTokenization, Normalization) RulesOf(string path, string? tokenizerClass) => BaseName(tokenizerClass ?? "GPT2Tokenizer") switch
    {
        "GPT2" or "Roberta" or "Bart" or "Longformer" or "LED" or "Whisper" or "CodeGen" or "Deberta" => (PreTokenization.Gpt2, Normalization.None),
        "Qwen2" => (PreTokenization.Qwen2, Normalization.Nfc),
        _ => throw new NotSupportedException(
            $"{path}: how a {tokenizerClass} cuts text is not known here without a tokenizer.json; known are GPT2Tokenizer and its kin, and Qwen2Tokenizer"),
    };

    private static string BaseName(string tokenizerClass)
    {
        var end = tokenizerClass.IndexOf("Tokenizer", StringComparison.Ordinal);
        return end < 0 ? tokenizerClass : tokenizerClass[..end];
    }

    /// <summary>The added tokens, and those of the vocabulary that are special by name.</summary>
    private static List<SpecialToken> Specials(string?[] pieces, TokenizerConfig config)
    {
        var specials = new List<SpecialToken>(config.AddedTokens);
        var known = specials.Select(token => token.Content).ToHashSet(StringComparer.Ordinal);
        // Where the configuration names none, the usual spellings count.
        var names = new HashSet<string>(config.SpecialTokens, StringComparer.Ordinal) { EndOfText };
        if (config.SpecialTokens.Count + config.AddedTokens.Count == 0)
            names.UnionWith(UsualSpecials);
        for (var id = 0; id < pieces.Length; id++)
            if (pieces[id] is { } piece && names.Contains(piece) && known.Add(piece))
                specials.Add(new SpecialToken(piece, id, IsControl: true));
        return specials;
    }
}
