namespace Vernier.Tokens;

/// <summary>The <c>tokenizer.*</c> keys of a GGUF file for a tokenizer that did not come from one.</summary>
internal static class GgufTokenizerKeys
{
    private const string Prefix = "tokenizer.ggml.";

    /// <summary>Keys in file order; a value is a string, a bool, a uint, or an array of string, float or int.</summary>
    /// <exception cref="NotSupportedException">GGUF has no name for the way this tokenizer cuts text.</exception>
    public static IReadOnlyList<(string Key, object Value)> Of(LoadedTokenizer loaded)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        var keys = (loaded.Tokenizer is PipelineTokenizer pipeline ? pipeline.Definition.Simplified ?? pipeline : loaded.Tokenizer) switch
        {
            PipelineTokenizer other => throw new NotSupportedException($"{other.Definition.Source}: GGUF has no form for what this tokenizer does"),
            BytePairTokenizer bytePair => BytePair(bytePair.Definition),
            SentencePieceTokenizer sentencePiece => SentencePiece(sentencePiece.Definition),
            var other => throw new NotSupportedException($"a tokenizer of type {other.GetType().Name} has no form in GGUF"),
        };
        AddId("bos_token_id", loaded.Tokenizer.BosId);
        AddId("eos_token_id", loaded.Tokenizer.EosId);
        AddId("unknown_token_id", loaded.Tokenizer.UnknownId);
        keys.Add((Prefix + "add_bos_token", loaded.Tokenizer.AddsBos));
        if (loaded.ChatTemplateSource is { } template)
            keys.Add(("tokenizer.chat_template", template));
        return keys;

        void AddId(string name, int? id)
        {
            if (id is { } known)
                keys.Add((Prefix + name, (uint)known));
        }
    }

    private static List<(string, object)> BytePair(BytePairDefinition definition)
    {
        // GGUF does not say that text is composed first; where it matters the name says which model's rules are meant.
        if (!definition.Normalization.IsNone && !definition.Normalization.IsNfc)
            throw new NotSupportedException($"{definition.Source}: GGUF cannot say how this tokenizer changes text before it cuts it");
        var pre = definition.PreTokenization.GgufName(definition.IgnoresMerges)
            ?? throw new NotSupportedException($"{definition.Source}: GGUF has no name for the way this tokenizer cuts text");
        if (definition.Normalization.IsNfc && pre == "gpt-2")
            pre = "olmo";
        return
        [
            (Prefix + "model", "gpt2"),
            (Prefix + "pre", pre),
            (Prefix + "tokens", Tokens(definition.Vocabulary)),
            (Prefix + "token_type", Types(definition.Vocabulary)),
            (Prefix + "merges", definition.SpelledMerges().Select(merge => $"{merge.Left} {merge.Right}").ToArray()),
            (Prefix + "add_space_prefix", definition.AddsPrefixSpace),
        ];
    }

    private static List<(string, object)> SentencePiece(SentencePieceDefinition definition)
    {
        if (definition.IsUnigram || !definition.Normalization.IsNone || definition.Prefix == PrefixSpace.First || definition.SplitsAtSpaces)
            throw new NotSupportedException($"{definition.Source}: GGUF's tokenizer of kind llama cannot say what this one does");
        return
        [
            (Prefix + "model", "llama"),
            (Prefix + "pre", "default"),
            (Prefix + "tokens", Tokens(definition.Vocabulary)),
            (Prefix + "scores", Scores(definition)),
            (Prefix + "token_type", Types(definition.Vocabulary)),
            (Prefix + "add_space_prefix", definition.Prefix == PrefixSpace.Always),
            (Prefix + "remove_extra_whitespaces", definition.RemovesExtraSpaces),
        ];
    }

    /// <summary>Scores that give the order of the merges, where the file has merges only: the earlier a piece is made, the higher.</summary>
    private static float[] Scores(SentencePieceDefinition definition)
    {
        if (definition.Merges is not { } merges)
            return [.. definition.Scores];
        var scores = new float[definition.Vocabulary.Count];
        for (var rank = merges.Count - 1; rank >= 0; rank--)
            scores[merges[rank].Merged] = -rank;
        return scores;
    }

    /// <summary>An id without a piece still needs a name of its own.</summary>
    private static string[] Tokens(Vocabulary vocabulary) =>
        [.. Enumerable.Range(0, vocabulary.Count).Select(id => vocabulary[id].Length > 0 || vocabulary.Kind(id) != TokenKind.Unused ? vocabulary[id] : $"[UNUSED{id}]")];

    private static int[] Types(Vocabulary vocabulary) => [.. Enumerable.Range(0, vocabulary.Count).Select(id => (int)vocabulary.Kind(id))];
}
