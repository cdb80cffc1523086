namespace Vernier.Generation;

/// <summary>When generation ends and how tokens are chosen.</summary>
public sealed record GenerationOptions
{
    /// <summary>New tokens at most.</summary>
    [Option("max-tokens", "new tokens at most", Range = "[1, 2147483647]")]
    public int MaxTokens { get; init; } = 256;

    /// <summary>How the next token is chosen; greedily by default.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Ids that end generation, in place of the model's own end ids; null = those.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>Texts that end generation; they and what follows are not given out. Needs a tokenizer.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];
}
