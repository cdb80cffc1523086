namespace Vernier.Evaluation;

/// <summary>One window of a perplexity.</summary>
/// <param name="W">Its number, from 0.</param>
/// <param name="Tokens">Tokens of the window; for lm-eval of the document.</param>
/// <param name="Scored">Tokens scored.</param>
/// <param name="NllSum">Negative log-likelihood of the scored tokens, in nats.</param>
public sealed record WindowResult(int W, int Tokens, int Scored, double NllSum)
{
    /// <summary>Mean negative log-likelihood of a scored token, in nats.</summary>
    public double NllMean => NllSum / Scored;

    /// <summary>lm-eval: words of the original document.</summary>
    public int? Words { get; init; }

    /// <summary>lm-eval: UTF-8 bytes of the original document.</summary>
    public int? Bytes { get; init; }
}
