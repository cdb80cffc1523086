using System.Buffers;
using System.Text;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Finds special tokens in text: leftmost first, the longest of those that begin at the same place.</summary>
internal sealed class SpecialTokenFinder
{
    private readonly SpecialToken[] _tokens;
    private readonly Dictionary<long, int> _edges = []; // by node and character
    private readonly List<int> _tokenAtNode = [-1];
    private readonly SearchValues<char> _firsts;

    public SpecialTokenFinder(IEnumerable<SpecialToken> tokens)
    {
        _tokens = [.. tokens.Where(token => token.Content.Length > 0)];
        for (var i = 0; i < _tokens.Length; i++)
        {
            var node = 0;
            foreach (var c in _tokens[i].Content)
            {
                if (!_edges.TryGetValue(Edge(node, c), out var next))
                {
                    next = _tokenAtNode.Count;
                    _tokenAtNode.Add(-1);
                    _edges.Add(Edge(node, c), next);
                }
                node = next;
            }
            _tokenAtNode[node] = i;
        }
        _firsts = SearchValues.Create([.. _tokens.Select(token => token.Content[0]).Distinct()]);
    }

    public bool IsEmpty => _tokens.Length == 0;

    /// <summary>The next token at or after <paramref name="from"/>, with the span it takes up. A match that may not stand where
    /// it is (beside a word, or special while these are text) is passed over as a whole, as Hugging Face does.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, bool parseSpecial, out int start, out int end, out int id)
    {
        for (var at = from; at < text.Length; at++)
        {
            var skip = text[at..].IndexOfAny(_firsts);
            if (skip < 0)
                break;
            at += skip;
            if (LongestAt(text, at) is not { } token)
                continue;
            (start, end, id) = (at, at + token.Content.Length, token.Id);
            if ((token.IsControl && !parseSpecial) || !StandsAlone(token, text, start, end))
            {
                at = end - 1;
                continue;
            }
            if (token.StripsLeft)
                while (start > from && char.IsWhiteSpace(text[start - 1]))
                    start--;
            if (token.StripsRight)
                while (end < text.Length && char.IsWhiteSpace(text[end]))
                    end++;
            return true;
        }
        (start, end, id) = (text.Length, text.Length, -1);
        return false;
    }

    private SpecialToken? LongestAt(ReadOnlySpan<char> text, int at)
    {
        SpecialToken? found = null;
        var node = 0;
        for (var i = at; i < text.Length && _edges.TryGetValue(Edge(node, text[i]), out node); i++)
            if (_tokenAtNode[node] is >= 0 and var token)
                found = _tokens[token];
        return found;
    }

    private static long Edge(int node, char next) => ((long)node << 16) | next;

    private static bool StandsAlone(SpecialToken token, ReadOnlySpan<char> text, int start, int end)
    {
        if (!token.SingleWord)
            return true;
        Rune.DecodeLastFromUtf16(text[..start], out var before, out _);
        Rune.DecodeFromUtf16(text[end..], out var after, out _);
        return (start == 0 || !CharacterSet.UnicodeWord.Contains(before.Value)) && (end == text.Length || !CharacterSet.UnicodeWord.Contains(after.Value));
    }
}
