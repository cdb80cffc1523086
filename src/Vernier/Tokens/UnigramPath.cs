using System.Text;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>The unigram model: of all ways to write a text as pieces, the one with the greatest sum of scores (Viterbi).</summary>
internal sealed class UnigramPath
{
    /// <summary>How far below the worst piece an unknown character scores, as in SentencePiece.</summary>
    private const float UnknownPenalty = 10;

    private const int LongestPiece = 512;

    private readonly Vocabulary _vocabulary;
    private readonly float[] _scores;
    private readonly float _unknownScore;
    private readonly int _longest;

    public UnigramPath(SentencePieceDefinition definition)
    {
        _vocabulary = definition.Vocabulary;
        _scores = [.. definition.Scores];
        if (_scores.Length != _vocabulary.Count)
            throw new InvalidDataException($"{definition.Source}: {_scores.Length} scores for {_vocabulary.Count} pieces");
        if (_scores.AsSpan().ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
            throw new InvalidDataException($"{definition.Source}: a piece's score is not a finite number");
        var least = 0f;
        for (var id = 0; id < _scores.Length; id++)
            if (_vocabulary.Kind(id) is TokenKind.Normal or TokenKind.UserDefined)
            {
                least = Math.Min(least, _scores[id]);
                _longest = Math.Max(_longest, Math.Min(LongestPiece, _vocabulary[id].Length));
            }
        _unknownScore = least - UnknownPenalty;
    }

    /// <summary>Writes the best path as symbols (ids, or negative for an unknown character) and returns their number.</summary>
    /// <param name="symbols">At least as many as <paramref name="text"/> has characters.</param>
    public int Choose(ReadOnlySpan<char> text, Span<int> symbols, WorkLimit work)
    {
        var best = new float[text.Length + 1];
        var from = new int[text.Length + 1];
        var symbolTo = new int[text.Length + 1];
        Array.Fill(best, float.NegativeInfinity);
        best[0] = 0;
        for (var start = 0; start < text.Length;)
        {
            Rune.DecodeFromUtf16(text[start..], out var rune, out var width);
            Offer(start, start + width, best[start] + _unknownScore, -1 - rune.Value);
            var longest = Math.Min(_longest, text.Length - start);
            work.Charge(longest + longest * (long)longest / 8); // every length is looked up, and looking up reads it
            for (var end = start + width; end <= Math.Min(text.Length, start + _longest); end++)
                if (_vocabulary.TryFind(text[start..end], out var id)
                    && _vocabulary.Kind(id) is TokenKind.Normal or TokenKind.UserDefined)
                    Offer(start, end, best[start] + _scores[id], id);
            start += width;
        }
        var count = 0;
        for (var end = text.Length; end > 0; end = from[end])
            symbols[count++] = symbolTo[end];
        symbols[..count].Reverse();
        return count;

        void Offer(int start, int end, float score, int symbol)
        {
            if (score > best[end])
                (best[end], from[end], symbolTo[end]) = (score, start, symbol);
        }
    }
}
