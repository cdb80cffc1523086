using System.Text;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>
/// Byte-level BPE (GPT-2 and after): special tokens are cut out, the rest is cut into pieces, each piece's UTF-8 bytes
/// are merged by rank. Bytes that the vocabulary lacks are dropped before the merges.
/// </summary>
internal sealed class BytePairTokenizer : ITokenizer
{
    private readonly MergeTable _merges;
    private readonly PreTokenizer _preTokenizer;
    private readonly AddedTokens _added;
    private readonly HashSet<int> _control;
    private readonly byte[]?[] _bytes; // spelled when they are first asked for
    private readonly int[] _byteIds = new int[256];
    private Scratch? _idle;

    internal BytePairTokenizer(BytePairDefinition definition)
    {
        Definition = definition;
        Vocabulary = definition.Vocabulary;
        _preTokenizer = definition.PreTokenization.Build();
        _added = new AddedTokens(definition.SpecialTokens, definition.Normalization, definition.Source);
        _control = [.. definition.SpecialTokens.Where(token => token.IsControl).Select(token => token.Id)];
        _bytes = new byte[Vocabulary.Count][];
        foreach (var token in definition.SpecialTokens)
            _bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        for (var value = 0; value < 256; value++)
            _byteIds[value] = Vocabulary.Find(ByteAlphabet.ToChar((byte)value).ToString()) ?? -1;
        _merges = MakeMerges(definition.Merges, definition.RanksById);
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

    public byte[] TokenBytes(int id) => Vocabulary.Has(id) ? _bytes[id] ??= ByteAlphabet.BytesOf(Vocabulary[id]) : [];

    public bool IsSpecial(int id) => _control.Contains(id);

    public string Decode(IEnumerable<int> ids) => StreamingDecoder.DecodeAll(this, ids);

    public int[] Encode(string text, bool parseSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var scratch = Interlocked.Exchange(ref _idle, null) ?? new Scratch(_merges);
        scratch.Ids.Clear();
        var work = new WorkLimit(Definition.Source, text.Length);
        foreach (var stretch in _added.Split(text, parseSpecial, work))
            if (stretch.Id >= 0)
                scratch.Ids.Add(stretch.Id);
            else
                EncodePlain(stretch.Text.Span, scratch, work);
        int[] ids = [.. scratch.Ids.From(0)];
        _idle = scratch;
        return ids;
    }

    private void EncodePlain(ReadOnlySpan<char> text, Scratch scratch, WorkLimit work)
    {
        if (Definition.AddsPrefixSpace && text[0] != ' ')
            text = string.Concat(" ", text);
        scratch.Ends.Clear();
        _preTokenizer.Split(text, 0, scratch.Ends, work);
        var start = 0;
        foreach (var end in scratch.Ends)
        {
            if (end >= 0)
                EncodePiece(text[start..end], scratch);
            start = end < 0 ? ~end : end;
        }
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
        return Vocabulary.TryFind(spelled, out var id) ? id : null;
    }

    private static MergeTable MakeMerges(PieceMerge[] merges, bool ranksById)
    {
        var table = new MergeTable(merges.Length);
        for (var rank = 0; rank < merges.Length; rank++)
            table.Add(merges[rank].Left, merges[rank].Right, ranksById ? merges[rank].Merged : rank, merges[rank].Merged);
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
