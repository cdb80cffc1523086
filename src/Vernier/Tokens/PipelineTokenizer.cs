using System.Text;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>
/// A tokenizer.json taken literally, for those that are neither plain byte-level BPE nor plain SentencePiece: the stages of
/// Hugging Face's library one after the other, on strings. Slower than the other two, right for all that the file can say.
/// </summary>
internal sealed class PipelineTokenizer : ITokenizer
{
    private readonly AddedTokens _added;
    private readonly MergeTable _merges;
    private readonly UnigramPath? _unigram;
    private readonly int[] _byteIds = new int[256];
    private readonly HashSet<int> _control;
    private readonly byte[]?[] _bytes;

    public PipelineTokenizer(PipelineDefinition definition)
    {
        Definition = definition;
        Vocabulary = definition.Vocabulary;
        _added = new AddedTokens(definition.SpecialTokens, definition.Normalization, definition.Source);
        _control = [.. definition.SpecialTokens.Where(token => token.IsControl).Select(token => token.Id)];
        _bytes = new byte[Vocabulary.Count][];
        for (var value = 0; value < 256; value++)
            _byteIds[value] = definition.IsByteFallback ? Vocabulary.Find($"<0x{value:X2}>") ?? -1 : -1;
        if (definition.Scores is { } scores)
            _unigram = new UnigramPath(new SentencePieceDefinition(definition.Source, Vocabulary, []) { Scores = scores, IsUnigram = true });
        _merges = MakeMerges();
    }

    public PipelineDefinition Definition { get; }

    public Vocabulary Vocabulary { get; }

    public int VocabularySize => Vocabulary.Count;

    public int? BosId => Definition.BosId;

    public int? EosId => Definition.EosId;

    public int? UnknownId => Definition.UnknownId;

    public bool AddsBos => Definition.AddsBos;

    public bool DropsLeadingSpace => Definition.Spelling.DropsLeadingSpace;

    public int? Find(string piece) => Vocabulary.Find(piece);

    public string Piece(int id) => Vocabulary[id];

    public bool IsSpecial(int id) => _control.Contains(id);

    public string Decode(IEnumerable<int> ids) => StreamingDecoder.DecodeAll(this, ids);

    public byte[] TokenBytes(int id) => Vocabulary.Has(id) ? _bytes[id] ??= BytesOf(id) : [];

    public int[] Encode(string text, bool parseSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new IdBuffer();
        var work = new WorkLimit(Definition.Source, text.Length);
        var merger = new Merger(_merges);
        foreach (var stretch in _added.Split(text, parseSpecial, work))
        {
            if (stretch.Id >= 0)
            {
                ids.Add(stretch.Id);
                continue;
            }
            foreach (var piece in Cut(stretch, work))
                if (_unigram is null)
                    AddByMerges(piece.Text, merger, ids);
                else
                    AddByScores(piece.Text, ids, work);
        }
        return [.. ids.From(0)];
    }

    private List<PipelineStage.Piece> Cut(TextStretch stretch, WorkLimit work)
    {
        List<PipelineStage.Piece> pieces = [new(stretch.Text.ToString(), stretch.IsFirst)];
        foreach (var stage in Definition.Stages)
        {
            var cut = new List<PipelineStage.Piece>(pieces.Count);
            foreach (var piece in pieces)
                stage.Apply(piece, cut, work);
            pieces = cut;
        }
        return pieces;
    }

    private void AddByMerges(string piece, Merger merger, IdBuffer ids)
    {
        if (Definition.IgnoresMerges && Vocabulary.Find(piece) is { } whole)
        {
            ids.Add(whole);
            return;
        }
        var first = ids.Count;
        var symbols = ids.Reserve(4 * piece.Length);
        ids.Trim(first + merger.Merge(symbols[..Spell(piece, symbols)]));
    }

    /// <summary>The characters of a piece as ids; those without one as the ids of their bytes, or as unknown.</summary>
    private int Spell(string piece, Span<int> symbols)
    {
        var (count, unknowns) = (0, 0);
        Span<byte> utf8 = stackalloc byte[4];
        for (var at = 0; at < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(at), out var rune, out var length);
            if (FindCharacter(piece, at, length) is { } id)
            {
                FlushUnknown(symbols, ref count, ref unknowns);
                symbols[count++] = id;
            }
            else if (utf8[..rune.EncodeToUtf8(utf8)] is var bytes && HasAll(bytes))
            {
                foreach (var value in bytes)
                    symbols[count++] = _byteIds[value];
            }
            else if (Definition.UnknownId is not null)
            {
                if (!Definition.FusesUnknown)
                    FlushUnknown(symbols, ref count, ref unknowns);
                unknowns = 1;
            }
            at += length;
        }
        FlushUnknown(symbols, ref count, ref unknowns);
        return count;
    }

    private void FlushUnknown(Span<int> symbols, ref int count, ref int unknowns)
    {
        if (unknowns > 0)
            symbols[count++] = Definition.UnknownId!.Value;
        unknowns = 0;
    }

    private int? FindCharacter(string piece, int at, int length)
    {
        var prefix = at > 0 ? Definition.ContinuingPrefix : "";
        var suffix = at + length == piece.Length ? Definition.EndOfWordSuffix : "";
        var character = piece.AsSpan(at, length);
        if (prefix.Length + suffix.Length > 0)
            return Vocabulary.Find(string.Concat(prefix, character, suffix));
        return Vocabulary.TryFind(character, out var id) ? id : null;
    }

    private bool HasAll(ReadOnlySpan<byte> bytes)
    {
        var hasAll = true;
        foreach (var value in bytes)
            hasAll &= _byteIds[value] >= 0;
        return hasAll;
    }

    private void AddByScores(string piece, IdBuffer ids, WorkLimit work)
    {
        var symbols = new int[piece.Length];
        var count = _unigram!.Choose(piece, symbols, work);
        var isAfterUnknown = false;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var symbol in symbols.AsSpan(0, count))
        {
            if (symbol >= 0)
            {
                ids.Add(symbol);
            }
            else if (utf8[..new Rune(-1 - symbol).EncodeToUtf8(utf8)] is var bytes && HasAll(bytes))
            {
                foreach (var value in bytes)
                    ids.Add(_byteIds[value]);
            }
            else if (Definition.UnknownId is { } unknown)
            {
                // A run of characters without a piece is one unknown token.
                if (!isAfterUnknown)
                    ids.Add(unknown);
                isAfterUnknown = true;
                continue;
            }
            isAfterUnknown = false;
        }
    }

    private byte[] BytesOf(int id) => _control.Contains(id)
        ? Definition.Spelling.IsByteLevel ? Encoding.UTF8.GetBytes(Vocabulary[id]) : []
        : Definition.Spelling.Spell(Vocabulary[id]);

    private MergeTable MakeMerges()
    {
        var merges = Definition.Merges;
        var table = new MergeTable(merges.Length);
        // Of a pair that is listed twice, the last counts.
        for (var rank = merges.Length - 1; rank >= 0; rank--)
            table.Add(merges[rank].Left, merges[rank].Right, rank, merges[rank].Merged);
        return table;
    }
}
