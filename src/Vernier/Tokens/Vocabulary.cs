namespace Vernier.Tokens;

/// <summary>The pieces of a tokenizer by id, their kinds, and the way back from a piece to its id.</summary>
internal sealed class Vocabulary
{
    private readonly string?[] _pieces;
    private readonly TokenKind[] _kinds;
    private readonly PieceTable _ids;

    /// <param name="pieces">One entry an id; null where an id is not used.</param>
    /// <param name="kinds">One entry an id; empty when all are normal.</param>
    public Vocabulary(string?[] pieces, ReadOnlySpan<TokenKind> kinds = default)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        if (!kinds.IsEmpty && kinds.Length != pieces.Length)
            throw new ArgumentException($"{kinds.Length} kinds for {pieces.Length} pieces", nameof(kinds));
        _pieces = pieces;
        _kinds = new TokenKind[pieces.Length];
        if (kinds.IsEmpty)
            Array.Fill(_kinds, TokenKind.Normal);
        else
            kinds.CopyTo(_kinds);
        for (var id = 0; id < pieces.Length; id++)
            if (pieces[id] is null)
                _kinds[id] = TokenKind.Unused;
        _ids = new PieceTable(pieces);
    }

    public int Count => _pieces.Length;

    /// <summary>The spelling of an id; empty for an unused id and for one above the vocabulary: models may have more rows than tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    public string this[int id] => Has(id) ? _pieces[id] ?? "" : "";

    /// <summary>What an id is; one above the vocabulary is unused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    public TokenKind Kind(int id) => Has(id) ? _kinds[id] : TokenKind.Unused;

    public int? Find(string piece) => _ids.TryFind(piece, out var id) ? id : null;

    internal bool TryFind(ReadOnlySpan<char> piece, out int id) => _ids.TryFind(piece, out id);

    /// <summary>The tokens to be found in text as a whole; a user-defined SentencePiece token is spelled with U+2581 for a space.</summary>
    internal SpecialToken[] SpecialTokens()
    {
        var specials = new List<SpecialToken>();
        for (var id = 0; id < Count; id++)
            if (_kinds[id] is TokenKind.Control or TokenKind.UserDefined or TokenKind.Unknown && this[id].Length > 0)
                specials.Add(new SpecialToken(this[id].Replace(SentencePieceTokenizer.Space, ' '), id, IsControl: _kinds[id] != TokenKind.UserDefined));
        return [.. specials];
    }

    /// <summary>Whether the vocabulary reaches to an id.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative.</exception>
    internal bool Has(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        return id < _pieces.Length;
    }
}
