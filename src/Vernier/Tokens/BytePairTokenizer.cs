using System.Text;

namespace Vernier.Tokens;

/// <summary>
/// Byte-level BPE (GPT-2 and after): special tokens are cut out, the rest is cut into pieces, each piece's UTF-8 bytes
/// are merged by rank. Bytes that the vocabulary lacks are dropped before the merges.
/// </summary>
public sealed class BytePairTokenizer : ITokenizer
{
    private readonly MergeTable _merges;
    private readonly PreTokenizer _preTokenizer;
    private readonly SpecialTokenFinder _specials;
    private readonly SpecialTokenFinder _userDefined;
    private readonly HashSet<int> _control;
    private readonly byte[]?[] _bytes; // spelled when they are first asked for
    private readonly int[] _byteIds = new int[256];
    private Scratch? _idle;

    internal BytePairTokenizer(BytePairDefinition definition)
    {
        Definition = definition;
        Vocabulary = definition.Vocabulary;
        _preTokenizer = definition.PreTokenization.Build();
        _specials = new SpecialTokenFinder(definition.SpecialTokens);
        _userDefined = new SpecialTokenFinder(definition.SpecialTokens.Where(token => !token.IsControl));
        _control = [.. definition.SpecialTokens.Where(token => token.IsControl).Select(token => token.Id)];
        _bytes = new byte[Vocabulary.Count][];
        foreach (var token in definition.SpecialTokens)
            _bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        for (var value = 0; value < 256; value++)
            _byteIds[value] = Vocabulary.Find(ByteAlphabet.ToChar((byte)value).ToString()) ?? -1;
        _merges = MakeMerges(definition.Merges);
    }

    internal BytePairDefinition Definition { get; }

    public Vocabulary Vocabulary { get; }

    public int VocabularySize => Vocabulary.Count;

    public int? BosId => Definition.BosId;

    public int? EosId => Definition.EosId;

    public bool AddsBos => Definition.AddsBos;

    public bool DropsLeadingSpace => false;

    public int? Find(string piece) => Vocabulary.Find(piece);

    public string Piece(int id) => Vocabulary[id];

    public byte[] TokenBytes(int id) => (uint)id < (uint)_bytes.Length
        ? _bytes[id] ??= Spelled(Vocabulary[id])
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"outside the vocabulary of {_bytes.Length} tokens");

    public bool IsSpecial(int id) => _control.Contains(id);

    public string Decode(IEnumerable<int> ids) => StreamingDecoder.DecodeAll(this, ids);

    public int[] Encode(string text, bool parseSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var scratch = Interlocked.Exchange(ref _idle, null) ?? new Scratch(_merges);
        scratch.Ids.Clear();
        var finder = parseSpecial ? _specials : _userDefined;
        var at = 0;
        while (!finder.IsEmpty && finder.TryFind(text, at, out var start, out var end, out var id))
        {
            EncodePlain(text.AsSpan(at, start - at), scratch);
            scratch.Ids.Add(id);
            at = end;
        }
        EncodePlain(text.AsSpan(at), scratch);
        int[] ids = [.. scratch.Ids.From(0)];
        _idle = scratch;
        return ids;
    }

    private void EncodePlain(ReadOnlySpan<char> text, Scratch scratch)
    {
        if (text.IsEmpty)
            return;
        if (Definition.NormalizesToNfc && !Ascii.IsValid(text))
            text = Compose(text);
        if (Definition.AddsPrefixSpace && text[0] != ' ')
            text = string.Concat(" ", text);
        scratch.Ends.Clear();
        _preTokenizer.Split(text, 0, scratch.Ends);
        var start = 0;
        foreach (var end in scratch.Ends)
        {
            EncodePiece(text[start..end], scratch);
            start = end;
        }
    }

    /// <summary>The composed normal form; lone surrogates, which have none, become U+FFFD first.</summary>
    private static string Compose(ReadOnlySpan<char> text)
    {
        var whole = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            whole.Append(rune);
        return whole.ToString().Normalize(NormalizationForm.FormC);
    }

    private void EncodePiece(ReadOnlySpan<char> piece, Scratch scratch)
    {
        if (piece.Length > PieceCache.LongestPiece)
        {
            MergePiece(piece, scratch);
            return;
        }
        var slot = PieceCache.SlotOf(piece);
        if (scratch.Cache.TryGet(slot, piece, scratch.Ids))
            return;
        var first = scratch.Ids.Count;
        MergePiece(piece, scratch);
        scratch.Cache.Put(slot, piece, scratch.Ids.From(first));
    }

    private void MergePiece(ReadOnlySpan<char> piece, Scratch scratch)
    {
        var bytes = scratch.Utf8(piece);
        if (Definition.IgnoresMerges && FindWhole(bytes) is { } whole)
        {
            scratch.Ids.Add(whole);
            return;
        }
        var first = scratch.Ids.Count;
        var symbols = scratch.Ids.Reserve(bytes.Length);
        var count = 0;
        foreach (var value in bytes)
            if (_byteIds[value] is >= 0 and var id)
                symbols[count++] = id;
        scratch.Ids.Trim(first + scratch.Merger.Merge(symbols[..count]));
    }

    private int? FindWhole(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 512)
            return null;
        Span<char> spelled = stackalloc char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
            spelled[i] = ByteAlphabet.ToChar(bytes[i]);
        return Vocabulary.Lookup.TryGetValue(spelled, out var id) ? id : null;
    }

    /// <summary>The bytes that a piece spells; a piece with any character outside the alphabet is its own text.</summary>
    private static byte[] Spelled(string piece)
    {
        var bytes = new byte[piece.Length];
        for (var i = 0; i < piece.Length; i++)
            if (!ByteAlphabet.TryToByte(piece[i], out bytes[i]))
                return Encoding.UTF8.GetBytes(piece);
        return bytes;
    }

    private static MergeTable MakeMerges(PieceMerge[] merges)
    {
        var table = new MergeTable(merges.Length);
        for (var rank = 0; rank < merges.Length; rank++)
            table.Add(merges[rank].Left, merges[rank].Right, rank, merges[rank].Merged);
        return table;
    }

    /// <summary>What one call needs; taken by a thread for the length of the call.</summary>
    private sealed class Scratch(MergeTable merges)
    {
        private byte[] _utf8 = new byte[256];

        public IdBuffer Ids { get; } = new();

        public List<int> Ends { get; } = [];

        public PieceCache Cache { get; } = new();

        public Merger Merger { get; } = new(merges);

        public ReadOnlySpan<byte> Utf8(ReadOnlySpan<char> text)
        {
            var most = Encoding.UTF8.GetMaxByteCount(text.Length);
            if (_utf8.Length < most)
                _utf8 = new byte[most];
            return _utf8.AsSpan(0, Encoding.UTF8.GetBytes(text, _utf8));
        }
    }
}
