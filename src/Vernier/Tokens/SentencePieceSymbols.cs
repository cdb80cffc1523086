using System.Text;

namespace Vernier.Tokens;

/// <summary>
/// The symbols that merges work on: ids of pieces; then, above them, single characters that occur in pieces but are no
/// piece themselves; and below zero the characters that can never merge.
/// </summary>
internal sealed class SentencePieceSymbols
{
    /// <summary>A piece of text longer than this takes no part in merges; real ones have at most a few dozen characters.</summary>
    private const int LongestPiece = 512;

    private readonly SentencePieceDefinition _definition;
    private readonly Vocabulary _vocabulary;
    private readonly Dictionary<int, int> _symbolOfRune = [];
    private readonly List<Rune> _extraRunes = [];
    private readonly HashSet<char> _beforeSpace = [];

    public SentencePieceSymbols(SentencePieceDefinition definition)
    {
        _definition = definition;
        _vocabulary = definition.Vocabulary;
        for (var id = 0; id < _vocabulary.Count; id++)
            NoteCharacters(id);
        Merges = definition switch
        {
            { IsUnigram: true } => new MergeTable(0),
            { Merges: { } listed } => FromList(listed),
            _ => FromScores(),
        };
    }

    public MergeTable Merges { get; }

    /// <summary>Some piece reads over the boundary in front of the space at <paramref name="at"/>, so it must not be cut there.</summary>
    public bool MayJoin(ReadOnlySpan<char> text, int at) => !_definition.SplitsAtSpaces && _beforeSpace.Contains(text[at - 1]);

    /// <summary>The symbols of the characters of a text; a lone surrogate counts as U+FFFD.</summary>
    public int Spell(ReadOnlySpan<char> text, Span<int> symbols)
    {
        var count = 0;
        foreach (var rune in text.EnumerateRunes())
            symbols[count++] = _symbolOfRune.TryGetValue(rune.Value, out var symbol) ? symbol : -1 - rune.Value;
        return count;
    }

    /// <summary>The character of a symbol that is not a piece.</summary>
    public Rune RuneOf(int symbol) => symbol < 0 ? new Rune(-1 - symbol) : _extraRunes[symbol - _vocabulary.Count];

    private bool IsText(int id) => _vocabulary.Kind(id) is TokenKind.Normal or TokenKind.UserDefined && _vocabulary[id].Length > 0;

    private void NoteCharacters(int id)
    {
        if (!IsText(id))
            return;
        var piece = _vocabulary[id];
        if (Rune.TryGetRuneAt(piece, 0, out var only) && only.Utf16SequenceLength == piece.Length)
            _symbolOfRune[only.Value] = id;
        for (var i = 1; i < piece.Length; i++)
            if (piece[i] == SentencePieceTokenizer.Space)
                _beforeSpace.Add(piece[i - 1]);
    }

    private static MergeTable FromList(IReadOnlyList<PieceMerge> merges)
    {
        var table = new MergeTable(merges.Count);
        for (var rank = 0; rank < merges.Count; rank++)
            table.Add(merges[rank].Left, merges[rank].Right, rank, merges[rank].Merged);
        return table;
    }

    /// <summary>Every way to make a piece of two symbols is a merge; the better the piece's score, the lower its rank. Equal scores share a rank, so that the leftmost goes first.</summary>
    private MergeTable FromScores()
    {
        var scores = _definition.Scores;
        if (scores.Count != _vocabulary.Count)
            throw new InvalidDataException($"{_definition.Source}: {scores.Count} scores for {_vocabulary.Count} pieces");
        var ranks = scores.Distinct().OrderDescending().Select((score, rank) => (score, rank)).ToDictionary(pair => pair.score, pair => pair.rank);
        var found = new List<(int Left, int Right, int Rank, int Merged)>();
        for (var id = 0; id < _vocabulary.Count; id++)
        {
            var piece = _vocabulary[id];
            if (!IsText(id) || piece.Length > LongestPiece || _vocabulary.Find(piece) != id)
                continue;
            if (float.IsNaN(scores[id]))
                throw new InvalidDataException($"{_definition.Source}: the score of piece {id} (\"{piece}\") is not a number");
            for (var cut = 1; cut < piece.Length; cut++)
                if (!char.IsLowSurrogate(piece[cut])
                    && SymbolOf(piece.AsSpan(0, cut)) is { } left && SymbolOf(piece.AsSpan(cut)) is { } right)
                    found.Add((left, right, ranks[scores[id]], id));
        }
        var table = new MergeTable(found.Count);
        foreach (var (left, right, rank, merged) in found)
            table.Add(left, right, rank, merged);
        return table;
    }

    private int? SymbolOf(ReadOnlySpan<char> part)
    {
        if (_vocabulary.TryFind(part, out var id) && IsText(id))
            return id;
        if (Rune.DecodeFromUtf16(part, out var rune, out var length) != System.Buffers.OperationStatus.Done || length != part.Length)
            return null;
        if (!_symbolOfRune.TryGetValue(rune.Value, out var symbol))
        {
            symbol = _vocabulary.Count + _extraRunes.Count;
            _extraRunes.Add(rune);
            _symbolOfRune.Add(rune.Value, symbol);
        }
        return symbol;
    }
}
