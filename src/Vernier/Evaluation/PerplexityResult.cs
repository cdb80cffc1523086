namespace Vernier.Evaluation;

/// <summary>Perplexity of a text.</summary>
public sealed record PerplexityResult(string Task) : EvaluationResult(Task)
{
    /// <summary>gptq, llamacpp, strided or lm-eval.</summary>
    public required string Convention { get; init; }

    /// <summary>Tokens of a full window.</summary>
    public required int Context { get; init; }

    /// <summary>Windows scored.</summary>
    public required int Windows { get; init; }

    /// <summary>Tokens scored.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens of the whole text, scored or not.</summary>
    public required long TextTokens { get; init; }

    /// <summary>Mean negative log-likelihood of a scored token, in nats.</summary>
    public required double Nll { get; init; }

    /// <summary>exp(<see cref="Nll"/>).</summary>
    public double Perplexity => Math.Exp(Nll);

    /// <summary>lm-eval: exp(-Σ log-likelihood / Σ words), words counted in the original text.</summary>
    public double? WordPerplexity { get; init; }

    /// <summary>lm-eval: exp(-Σ log-likelihood / Σ UTF-8 bytes).</summary>
    public double? BytePerplexity { get; init; }

    /// <summary>lm-eval: -Σ log-likelihood / Σ UTF-8 bytes / ln 2.</summary>
    public double? BitsPerByte { get; init; }

    /// <summary>One entry a window; for lm-eval one a document.</summary>
    public required IReadOnlyList<WindowResult> PerWindow { get; init; }
}
