namespace Vernier.Tokens;

/// <summary>Everything that a tokenizer.json says, stage by stage, where neither of the two fast tokenizers does the same.</summary>
/// <param name="Source">The file, for messages.</param>
internal sealed record PipelineDefinition(string Source, Vocabulary Vocabulary, IReadOnlyList<SpecialToken> SpecialTokens)
{
    public Normalization Normalization { get; init; } = Normalization.None;

    public IReadOnlyList<PipelineStage> Stages { get; init; } = [];

    /// <summary>In the order of their rank, for a model of merges.</summary>
    public PieceMerge[] Merges { get; init; } = [];

    /// <summary>One score an id, for a unigram model; else null.</summary>
    public IReadOnlyList<float>? Scores { get; init; }

    /// <summary>A character without a piece becomes the tokens of its bytes.</summary>
    public bool IsByteFallback { get; init; }

    public bool IgnoresMerges { get; init; }

    /// <summary>Characters in a row without a piece are one unknown token.</summary>
    public bool FusesUnknown { get; init; }

    /// <summary>What pieces have in front that do not begin a word.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>What pieces have at the end that end a word.</summary>
    public string EndOfWordSuffix { get; init; } = "";

    public int? UnknownId { get; init; }

    public int? BosId { get; init; }

    public int? EosId { get; init; }

    public bool AddsBos { get; init; }

    public PieceSpelling Spelling { get; init; } = new([]);

    /// <summary>A tokenizer that does nearly the same and that has a form in GGUF, or null.</summary>
    public ITokenizer? Simplified { get; init; }
}
