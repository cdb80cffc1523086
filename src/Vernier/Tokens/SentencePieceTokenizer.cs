using System.Globalization;
using System.Text;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>
/// SentencePiece: a space in front, spaces as U+2581, then the best merge again and again (or, for a unigram model, the
/// best path); characters outside the vocabulary become the tokens of their UTF-8 bytes.
/// </summary>
internal sealed class SentencePieceTokenizer : ITokenizer
{
    internal const char Space = '\u2581';
    private const string UnknownText = " \u2047 ";

    private readonly AddedTokens _added;
    private readonly SentencePieceSymbols _symbols;
    private readonly UnigramPath? _unigram;
    private readonly byte[]?[] _bytes; // spelled when they are first asked for
    private readonly int[] _byteIds = new int[256];
    private Scratch? _idle;

    internal SentencePieceTokenizer(SentencePieceDefinition definition)
    {
        Definition = definition;
        Vocabulary = definition.Vocabulary;
        _added = new AddedTokens(definition.SpecialTokens, definition.Normalization, definition.Source);
        _symbols = new SentencePieceSymbols(definition);
        _unigram = definition.IsUnigram ? new UnigramPath(definition) : null;
        _bytes = new byte[Vocabulary.Count][];
        Array.Fill(_byteIds, -1);
        for (var id = 0; id < _bytes.Length; id++)
            if (Vocabulary.Kind(id) == TokenKind.Byte)
                _byteIds[(_bytes[id] = MakeBytes(id))[0]] = id;
    }

    internal SentencePieceDefinition Definition { get; }

    public Vocabulary Vocabulary { get; }

    public int VocabularySize => Vocabulary.Count;

    public int? BosId => Definition.BosId;

    public int? EosId => Definition.EosId;

    public int? UnknownId => Definition.UnknownId;

    public bool AddsBos => Definition.AddsBos;

    public bool DropsLeadingSpace => Definition.Prefix != PrefixSpace.Never;

    public int? Find(string piece) => Vocabulary.Find(piece);

    public string Piece(int id) => Vocabulary[id];

    public byte[] TokenBytes(int id) => Vocabulary.Has(id) ? _bytes[id] ??= MakeBytes(id) : [];

    public bool IsSpecial(int id) => Vocabulary.Kind(id) is TokenKind.Control;

    public string Decode(IEnumerable<int> ids) => StreamingDecoder.DecodeAll(this, ids);

    public int[] Encode(string text, bool parseSpecial = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        var scratch = Interlocked.Exchange(ref _idle, null) ?? new Scratch(_symbols.Merges);
        scratch.Ids.Clear();
        var work = new WorkLimit(Definition.Source, text.Length);
        foreach (var stretch in _added.Split(text, parseSpecial, work))
            if (stretch.Id >= 0)
                scratch.Ids.Add(stretch.Id);
            else
                EncodePlain(stretch.Text.Span, stretch.IsFirst, scratch, work);
        int[] ids = [.. scratch.Ids.From(0)];
        _idle = scratch;
        return ids;
    }

    private void EncodePlain(ReadOnlySpan<char> raw, bool isFirst, Scratch scratch, WorkLimit work)
    {
        var text = scratch.Normalize(raw, Definition, isFirst);
        var start = 0;
        while (start < text.Length)
        {
            var end = start + 1;
            while (end < text.Length && (text[end] != Space || _symbols.MayJoin(text, end)))
                end++;
            EncodeWord(text[start..end], scratch, work);
            start = end;
        }
    }

    private void EncodeWord(ReadOnlySpan<char> word, Scratch scratch, WorkLimit work)
    {
        var slot = -1;
        if (word.Length <= PieceCache.LongestPiece && scratch.Cache.TryGet(slot = PieceCache.SlotOf(word), word, scratch.Ids))
            return;
        var first = scratch.Ids.Count;
        var symbols = scratch.Symbols(word.Length);
        var count = _symbols.Spell(word, symbols);
        count = _unigram is null ? scratch.Merger.Merge(symbols[..count]) : _unigram.Choose(word, symbols, work);
        Emit(symbols[..count], scratch.Ids);
        if (slot >= 0)
            scratch.Cache.Put(slot, word, scratch.Ids.From(first));
    }

    private void Emit(ReadOnlySpan<int> symbols, IdBuffer ids)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var isAfterUnknown = false;
        foreach (var symbol in symbols)
        {
            if (symbol >= 0 && symbol < Vocabulary.Count)
            {
                ids.Add(symbol);
                isAfterUnknown = false;
                continue;
            }
            var bytes = utf8[.._symbols.RuneOf(symbol).EncodeToUtf8(utf8)];
            var hasAllBytes = true;
            foreach (var value in bytes)
                hasAllBytes &= _byteIds[value] >= 0;
            if (hasAllBytes)
            {
                foreach (var value in bytes)
                    ids.Add(_byteIds[value]);
            }
            else if (!isAfterUnknown && Definition.UnknownId is { } unknown)
            {
                ids.Add(unknown);
            }
            // A run of characters without a token is one unknown token.
            isAfterUnknown = !hasAllBytes;
        }
    }

    private byte[] MakeBytes(int id)
    {
        var piece = Vocabulary[id];
        return Vocabulary.Kind(id) switch
        {
            TokenKind.Control or TokenKind.Unused => [],
            TokenKind.Unknown => Encoding.UTF8.GetBytes(UnknownText),
            TokenKind.Byte => [ByteOf(piece)
                ?? throw new InvalidDataException($"{Definition.Source}: token {id} is a byte but is spelled \"{piece}\", expected <0xNN>")],
            _ => Encoding.UTF8.GetBytes(piece.Replace(Space, ' ')),
        };
    }

    /// <summary>The byte that <c>&lt;0xNN&gt;</c> spells, or null for another spelling.</summary>
    internal static byte? ByteOf(string piece) =>
        piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>'
        && byte.TryParse(piece.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    /// <summary>What one call needs; taken by a thread for the length of the call.</summary>
    private sealed class Scratch(MergeTable merges)
    {
        private char[] _text = new char[256];
        private int[] _symbols = new int[64];

        public IdBuffer Ids { get; } = new();

        public PieceCache Cache { get; } = new();

        public Merger Merger { get; } = new(merges);

        public Span<int> Symbols(int count)
        {
            if (_symbols.Length < count)
                _symbols = new int[count + count / 2];
            return _symbols.AsSpan(0, count);
        }

        public ReadOnlySpan<char> Normalize(ReadOnlySpan<char> raw, SentencePieceDefinition rules, bool isFirst)
        {
            if (rules.RemovesExtraSpaces)
                raw = raw.Trim([' ', Space]);
            if (raw.IsEmpty)
                return [];
            if (_text.Length <= raw.Length)
                _text = new char[raw.Length + raw.Length / 2 + 1];
            var count = 0;
            var wantsPrefix = rules.Prefix == PrefixSpace.Always || (rules.Prefix == PrefixSpace.First && isFirst);
            if (wantsPrefix && !(rules.KeepsPresentSpace && raw[0] is ' ' or Space))
                _text[count++] = Space;
            foreach (var c in raw)
                if (c != ' ' && c != Space)
                    _text[count++] = c;
                else if (!rules.RemovesExtraSpaces || count == 0 || _text[count - 1] != Space)
                    _text[count++] = Space;
            return _text.AsSpan(0, count);
        }
    }
}
