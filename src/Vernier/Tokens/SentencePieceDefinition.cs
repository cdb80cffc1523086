namespace Vernier.Tokens;

/// <summary>Where encoding puts a space in front of text.</summary>
internal enum PrefixSpace
{
    Never,

    /// <summary>Only where the whole text begins.</summary>
    First,

    /// <summary>At every stretch of text between special tokens.</summary>
    Always,
}

/// <summary>Everything a tokenizer file says about a SentencePiece tokenizer.</summary>
/// <param name="Source">The file, for messages.</param>
/// <param name="Vocabulary">The pieces, with U+2581 for a space.</param>
/// <param name="SpecialTokens">The tokens that are found in text as a whole.</param>
internal sealed record SentencePieceDefinition(
    string Source, Vocabulary Vocabulary, IReadOnlyList<SpecialToken> SpecialTokens)
{
    /// <summary>One score an id; merges of the best-scored piece go first. Empty where <see cref="Merges"/> say the order.</summary>
    public IReadOnlyList<float> Scores { get; init; } = [];

    /// <summary>In the order of their rank; null where <see cref="Scores"/> say the order.</summary>
    public IReadOnlyList<PieceMerge>? Merges { get; init; }

    /// <summary>The pieces are chosen for the greatest sum of scores (unigram model) instead of by merges.</summary>
    public bool IsUnigram { get; init; }

    /// <summary>What changes text before spaces are seen to.</summary>
    public Normalization Normalization { get; init; } = Normalization.None;

    public PrefixSpace Prefix { get; init; } = PrefixSpace.Always;

    /// <summary>No space in front of text that begins with one (Hugging Face's Metaspace).</summary>
    public bool KeepsPresentSpace { get; init; }

    /// <summary>Leading, trailing and repeated spaces are dropped before encoding.</summary>
    public bool RemovesExtraSpaces { get; init; }

    /// <summary>No piece reaches over a space, whatever the vocabulary holds.</summary>
    public bool SplitsAtSpaces { get; init; }

    public int? BosId { get; init; }

    public int? EosId { get; init; }

    public int? UnknownId { get; init; }

    public bool AddsBos { get; init; }
}
