namespace Vernier.Generation;

/// <summary>How the next token is chosen. The defaults choose greedily.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits; 0 = the arg-max always (the first on ties).</summary>
    [Option("temperature", "divides the logits; 0 = greedy", Range = "[0, ]")]
    public float Temperature { get; init; }

    /// <summary>Keeps the k largest logits, and those equal to the k-th; 0 = all.</summary>
    [Option("top-k", "keep the K likeliest tokens; 0 = all", Range = "[0, 2147483647]")]
    public int TopK { get; init; }

    /// <summary>Keeps the smallest set of largest probabilities whose sum reaches this; 1 = all.</summary>
    [Option("top-p", "keep the likeliest tokens whose probabilities add up to this; 1 = all", Range = "(0, 1]")]
    public float TopP { get; init; } = 1;

    /// <summary>Drops probabilities below this fraction of the largest; 0 = none.</summary>
    [Option("min-p", "drop tokens below this share of the likeliest", Range = "[0, 1]")]
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of ids that have occurred; 1 = off.</summary>
    [Option("repetition-penalty", "lowers the logits of tokens that have occurred; 1 = off", Range = "(0, ]")]
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Starts the random numbers.</summary>
    [Option("seed", "seed of everything random", Range = "[-2147483648, 2147483647]")]
    public int Seed { get; init; } = 1;
}
