namespace Vernier.Evaluation;

/// <summary>One choice with its score.</summary>
/// <param name="Context">The document's text, without the solved examples.</param>
/// <param name="NormChars">Unicode code points of the choice.</param>
public sealed record ScoredChoice(string Context, string Continuation, int ContextTokens, int ContinuationTokens, int NormChars, double Loglikelihood, bool IsGreedy);
