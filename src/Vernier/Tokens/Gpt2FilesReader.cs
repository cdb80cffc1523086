namespace Vernier.Tokens;

/// <summary>Reads GPT-2's pair of files: a vocabulary (encoder.json, vocab.json) and the list of merges (vocab.bpe, merges.txt).</summary>
internal static class Gpt2FilesReader
{
    private const string EndOfText = "<|endoftext|>";

    public static BytePairTokenizer Read(string vocabularyPath, string mergesPath, TokenizerConfig config)
    {
        if (!File.Exists(mergesPath))
            throw new InvalidDataException($"{vocabularyPath}: the list of merges {Path.GetFileName(mergesPath)} is not beside it");
        using var json = TokenizerJson.Open(vocabularyPath);
        var pieces = TokenizerJson.Pieces(vocabularyPath, json.RootElement, []);
        var names = new[] { config.BosToken, config.EosToken, EndOfText, "<s>", "</s>", "<pad>", "<unk>" }.OfType<string>().ToHashSet();
        var kinds = pieces.Select(piece => piece is not null && names.Contains(piece) ? TokenKind.Control : TokenKind.Normal).ToArray();
        var vocabulary = new Vocabulary(pieces, kinds);
        var merges = new MergeList(mergesPath, vocabulary);
        foreach (var line in File.ReadLines(mergesPath))
            if (line.Length > 0 && !(merges.Count == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
                merges.Add(line);
        var end = vocabulary.Find(config.EosToken ?? EndOfText);
        return new BytePairTokenizer(new BytePairDefinition(
            vocabularyPath, vocabulary, merges.ToArray(), PreTokenization.Gpt2, vocabulary.SpecialTokens())
        {
            BosId = config.BosToken is { } bos ? vocabulary.Find(bos) : end,
            EosId = end,
            AddsBos = config.AddsBos ?? false,
        });
    }
}
