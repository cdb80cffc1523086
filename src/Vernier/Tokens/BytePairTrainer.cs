using System.Text;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Learns a small byte-level BPE vocabulary from text. Deterministic: the most frequent pair first, the one with the lower ids of equals.</summary>
internal static class BytePairTrainer
{
    private const string EndOfText = "<|endoftext|>";
    private static readonly string[] Specials = [EndOfText, "<|im_start|>", "<|im_end|>"];

    /// <summary>A tokenizer of at most <paramref name="vocabularySize"/> tokens: three special tokens, the 256 bytes, and merges. Text that has no pair twice gives fewer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no room for the special tokens and the bytes.</exception>
    public static BytePairTokenizer Train(string text, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, Specials.Length + 256);
        var pieces = new List<string>(Specials);
        pieces.AddRange(Enumerable.Range(0, 256).Select(value => ByteAlphabet.ToChar((byte)value).ToString()));
        var words = CountWords(text);
        var merges = new List<PieceMerge>();
        while (pieces.Count < vocabularySize && MostFrequentPair(words) is { } pair)
        {
            merges.Add(new PieceMerge(pair.Left, pair.Right, pieces.Count));
            pieces.Add(pieces[pair.Left] + pieces[pair.Right]);
            foreach (var (symbols, _) in words)
                Replace(symbols, pair, pieces.Count - 1);
        }
        var kinds = pieces.Select((_, id) => id < Specials.Length ? TokenKind.Control : TokenKind.Normal).ToArray();
        var vocabulary = new Vocabulary([.. pieces], kinds);
        return new BytePairTokenizer(new BytePairDefinition(
            "trained vocabulary", vocabulary, [.. merges], PreTokenization.Gpt2, vocabulary.SpecialTokens())
        {
            BosId = vocabulary.Find(EndOfText),
            EosId = vocabulary.Find(EndOfText),
        });
    }

    /// <summary>The different pieces of the text as symbols, with how often they occur, in the order of the text.</summary>
    private static List<(List<int> Symbols, long Count)> CountWords(string text)
    {
        var ends = new List<int>();
        PreTokenization.Gpt2.Build().Split(text, 0, ends, new WorkLimit("trained vocabulary", text.Length));
        var counts = new OrderedDictionary<string, long>(StringComparer.Ordinal);
        var start = 0;
        foreach (var end in ends)
        {
            var word = text[start..end];
            counts[word] = counts.TryGetValue(word, out var count) ? count + 1 : 1;
            start = end;
        }
        return [.. counts.Select(pair => (Encoding.UTF8.GetBytes(pair.Key).Select(value => Specials.Length + value).ToList(), pair.Value))];
    }

    private static (int Left, int Right)? MostFrequentPair(List<(List<int> Symbols, long Count)> words)
    {
        var counts = new Dictionary<(int, int), long>();
        foreach (var (symbols, count) in words)
            for (var i = 0; i + 1 < symbols.Count; i++)
                counts[(symbols[i], symbols[i + 1])] = counts.GetValueOrDefault((symbols[i], symbols[i + 1])) + count;
        (int, int)? best = null;
        var most = 1L;
        foreach (var (pair, count) in counts)
            if (count > most || (count == most && best is { } other && pair.CompareTo(other) < 0))
                (best, most) = (pair, count);
        return best;
    }

    private static void Replace(List<int> symbols, (int Left, int Right) pair, int merged)
    {
        var kept = 0;
        for (var i = 0; i < symbols.Count; i++)
        {
            var isPair = i + 1 < symbols.Count && symbols[i] == pair.Left && symbols[i + 1] == pair.Right;
            symbols[kept++] = isPair ? merged : symbols[i];
            i += isPair ? 1 : 0;
        }
        symbols.RemoveRange(kept, symbols.Count - kept);
    }
}
