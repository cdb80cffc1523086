using Vernier.Tokens;

namespace Vernier.Export;

/// <summary>A tokenizer's keys for a GGUF file with as many tokens as the embedding has rows: llama.cpp takes the vocabulary's size from the list of tokens.</summary>
internal static class GgufVocabulary
{
    private const string Tokens = "tokenizer.ggml.tokens";
    private const string Types = "tokenizer.ggml.token_type";
    private const string Scores = "tokenizer.ggml.scores";
    private const int ShownTokens = 5;
    private const float LowestScore = -1000;

    /// <summary>Fills the list up with unused tokens, as llama.cpp's converter does, or leaves out added tokens that no row is there for.</summary>
    /// <param name="notes">Gets which tokens were left out.</param>
    /// <exception cref="NotSupportedException">Tokens of the vocabulary proper, or a special one, have no row.</exception>
    public static IReadOnlyList<(string Key, object Value)> Fit(LoadedTokenizer tokenizer, int rows, ICollection<string> notes)
    {
        var keys = GgufTokenizerKeys.Of(tokenizer);
        var tokens = (string[])keys.First(k => k.Key == Tokens).Value;
        if (tokens.Length == rows)
            return keys;
        if (tokens.Length > rows)
            RequireUnneeded(tokenizer, keys, tokens, rows, notes);
        return [.. keys.Select(pair => (pair.Key, pair.Key switch
        {
            Tokens => Fitted(tokens, rows, Padding(tokens)),
            Types => Fitted((int[])pair.Value, rows, _ => (int)TokenKind.Unused),
            Scores => Fitted((float[])pair.Value, rows, _ => LowestScore),
            _ => pair.Value,
        }))];
    }

    private static T[] Fitted<T>(T[] values, int rows, Func<int, T> filler) =>
        [.. values.Take(rows), .. Enumerable.Range(values.Length, Math.Max(0, rows - values.Length)).Select(filler)];

    private static Func<int, string> Padding(string[] tokens)
    {
        var taken = tokens.ToHashSet(StringComparer.Ordinal);
        return id =>
        {
            var name = $"[PAD{id}]";
            while (!taken.Add(name))
                name += "_";
            return name;
        };
    }

    private static void RequireUnneeded(LoadedTokenizer tokenizer, IReadOnlyList<(string Key, object Value)> keys, string[] tokens, int rows, ICollection<string> notes)
    {
        var types = (int[])keys.First(k => k.Key == Types).Value;
        int?[] special = [tokenizer.Tokenizer.BosId, tokenizer.Tokenizer.EosId, tokenizer.Tokenizer.UnknownId];
        for (var id = rows; id < tokens.Length; id++)
            if (types[id] is not ((int)TokenKind.Control or (int)TokenKind.UserDefined or (int)TokenKind.Unused) || special.Contains(id))
                throw new NotSupportedException($"the tokenizer has {tokens.Length} tokens and the embedding {rows} rows: token {id} '{tokens[id]}' has none, and GGUF holds one row a token. Resize the embedding, or export --to hf");
        var shown = string.Join(", ", tokens.Skip(rows).Take(ShownTokens).Select((t, i) => $"{rows + i} '{t}'"));
        notes.Add($"the tokenizer has {tokens.Length} tokens and the embedding {rows} rows: the added tokens without a row are left out of the GGUF file: {shown}{(tokens.Length - rows > ShownTokens ? ", ..." : "")}");
    }
}
