using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>The model and the added tokens of a tokenizer.json.</summary>
internal sealed class TokenizerJsonModel
{
    private readonly MergeList _merges;

    private TokenizerJsonModel(MergeList merges) => _merges = merges;

    public SpecialToken[] Added { get; private init; } = [];

    /// <summary>One entry an id, added tokens too; null where an id is not used.</summary>
    public string?[] Pieces { get; private init; } = [];

    public bool IsUnigram { get; private init; }

    public IReadOnlyList<float> Scores { get; private init; } = [];

    public string? UnknownToken { get; private init; }

    public int? UnknownId { get; private init; }

    public bool FusesUnknown { get; private init; }

    public bool IsByteFallback { get; private init; }

    public bool IgnoresMerges { get; private init; }

    public string ContinuingPrefix { get; private init; } = "";

    public string EndOfWordSuffix { get; private init; } = "";

    public static TokenizerJsonModel Read(string path, JsonElement root)
    {
        var model = root.Find("model") ?? throw new InvalidDataException($"{path}: no \"model\", expected a tokenizer.json");
        // Older files leave the type out.
        var type = model.Text("type") ?? (model.Find("vocab") is { ValueKind: JsonValueKind.Array } ? "Unigram" : "BPE");
        if (type is not ("BPE" or "Unigram"))
            throw new NotSupportedException($"{path}: a tokenizer model of type \"{type}\"; known are BPE and Unigram");
        if (model.Find("dropout") is { ValueKind: JsonValueKind.Number } dropout && dropout.GetDouble() > 0)
            throw new NotSupportedException($"{path}: a tokenizer with a dropout of {dropout} gives other ids every time, which is not done here");
        var added = root.Items("added_tokens").Select((token, index) => ReadAdded(path, index, token)).ToArray();
        return type == "Unigram" ? Unigram(path, model, added) : BytePair(path, model, added);
    }

    /// <summary>All of a few short pieces are there.</summary>
    public bool HasAll(IEnumerable<string> pieces)
    {
        var wanted = pieces.ToHashSet(StringComparer.Ordinal);
        foreach (var piece in Pieces)
            if (piece is { Length: <= 6 })
                wanted.Remove(piece);
        return wanted.Count == 0;
    }

    /// <summary>The merges in the order of their rank.</summary>
    public PieceMerge[] Merges(Vocabulary vocabulary) => _merges.Resolve(vocabulary);

    private static TokenizerJsonModel BytePair(string path, JsonElement model, SpecialToken[] added)
    {
        var prefix = model.Text("continuing_subword_prefix") ?? "";
        // The two long lists of the file are read side by side.
        var (pieces, merges) = (Array.Empty<string?>(), new MergeList(path, prefix));
        var reading = Task.Run(() =>
        {
            if (model.Find("merges") is { ValueKind: JsonValueKind.Array } list)
                merges.Add(list);
        });
        try
        {
            pieces = TokenizerJson.Pieces(path, model.Find("vocab") ?? default, added);
        }
        finally
        {
            ((IAsyncResult)reading).AsyncWaitHandle.WaitOne();
        }
        reading.GetAwaiter().GetResult();
        var unknown = model.Text("unk_token");
        return new TokenizerJsonModel(merges)
        {
            Added = added,
            Pieces = pieces,
            UnknownToken = unknown,
            UnknownId = unknown is not null && Array.IndexOf(pieces, unknown) is >= 0 and var id ? id : null,
            FusesUnknown = model.Flag("fuse_unk"),
            IsByteFallback = model.Flag("byte_fallback"),
            IgnoresMerges = model.Flag("ignore_merges"),
            ContinuingPrefix = prefix,
            EndOfWordSuffix = model.Text("end_of_word_suffix") ?? "",
        };
    }

    private static TokenizerJsonModel Unigram(string path, JsonElement model, SpecialToken[] added)
    {
        var (entries, scores) = (new List<(string, int)>(), new List<float>());
        foreach (var entry in model.Items("vocab"))
        {
            if (entry.ValueKind != JsonValueKind.Array || entry.GetArrayLength() != 2 || entry[0].ValueKind != JsonValueKind.String || entry[1].ValueKind != JsonValueKind.Number)
                throw new InvalidDataException($"{path}: entry {entries.Count} of the vocabulary is {TokenizerJson.Shown(entry)}, expected a piece and its score");
            scores.Add(entry[1].GetSingle());
            entries.Add((entry[0].GetString()!, entries.Count));
        }
        entries.AddRange(added.Select(token => (token.Content, token.Id)));
        var pieces = TokenizerJson.Place(path, entries);
        while (scores.Count < pieces.Length)
            scores.Add(0);
        int? unknown = model.Find("unk_id") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var unknownId) && (uint)unknownId < (uint)pieces.Length
            ? unknownId
            : null;
        return new TokenizerJsonModel(new MergeList(path))
        {
            Added = added,
            Pieces = pieces,
            IsUnigram = true,
            Scores = scores,
            UnknownToken = unknown is { } known ? pieces[known] : null,
            UnknownId = unknown,
            FusesUnknown = true,
            IsByteFallback = model.Flag("byte_fallback"),
        };
    }

    private static SpecialToken ReadAdded(string path, int index, JsonElement token) =>
        token.Text("content") is { } content && token.Find("id") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var id) && id >= 0
            ? TokenizerJson.Added(token, content, id)
            : throw new InvalidDataException($"{path}: added token {index} is {TokenizerJson.Shown(token)}, expected a content and an id");
}
