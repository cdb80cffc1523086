using System.Buffers;

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

    /// <summary>The next special token at or after <paramref name="from"/>, with the span it takes up.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end, out int id)
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
            if (_tokenAtNode[node] is >= 0 and var token && StandsAlone(_tokens[token], text, at, i + 1))
                found = _tokens[token];
        return found;
    }

    private static long Edge(int node, char next) => ((long)node << 16) | next;

    private static bool StandsAlone(SpecialToken token, ReadOnlySpan<char> text, int start, int end) =>
        !token.SingleWord
        || ((start == 0 || !IsWord(text[start - 1])) && (end == text.Length || !IsWord(text[end])));

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';
}
