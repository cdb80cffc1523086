namespace Vernier.Tokens;

/// <summary>Everything a tokenizer file says about a byte-level BPE tokenizer.</summary>
/// <param name="Source">The file, for messages.</param>
/// <param name="Vocabulary">The pieces in the byte alphabet.</param>
/// <param name="Merges">In the order of their rank.</param>
/// <param name="PreTokenization">How text is cut into pieces.</param>
/// <param name="SpecialTokens">The tokens that are found in text as a whole.</param>
internal sealed record BytePairDefinition(
    string Source,
    Vocabulary Vocabulary,
    PieceMerge[] Merges,
    PreTokenization PreTokenization,
    IReadOnlyList<SpecialToken> SpecialTokens)
{
    public int? BosId { get; init; }

    public int? EosId { get; init; }

    public bool AddsBos { get; init; }

    /// <summary>A piece that is a token as a whole is that token before any merge.</summary>
    public bool IgnoresMerges { get; init; }

    /// <summary>The rank of a merge is the id of what it makes, so that all ways to make a token share one; else it is its place in the list.</summary>
    public bool RanksById { get; init; }

    /// <summary>A stretch of text that does not begin with a space gets one.</summary>
    public bool AddsPrefixSpace { get; init; }

    /// <summary>What changes text before it is cut.</summary>
    public Normalization Normalization { get; init; } = Normalization.None;

    /// <summary>The pairs of pieces that merge, in the order of their rank.</summary>
    internal IEnumerable<(string Left, string Right)> SpelledMerges() => Merges.Select(merge => (Vocabulary[merge.Left], Vocabulary[merge.Right]));
}
