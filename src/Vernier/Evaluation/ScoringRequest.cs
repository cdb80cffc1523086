namespace Vernier.Evaluation;

/// <summary>A sequence of token ids of which the tail is scored.</summary>
/// <param name="Ids">[tokens], at least one of them before <paramref name="From"/>.</param>
/// <param name="From">First scored token, in [1, tokens).</param>
public readonly record struct ScoringRequest(int[] Ids, int From)
{
    /// <summary>Number of scored tokens.</summary>
    public int Scored => Ids.Length - From;

    /// <summary>Number of tokens that the model reads: the last one is only predicted.</summary>
    public int InputTokens => Ids.Length - 1;
}
