namespace Vernier.Generation;

/// <summary>How the next token is chosen. The defaults choose greedily.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits; 0 = the arg-max always (the first on ties).</summary>
    public float Temperature { get; init; }

    /// <summary>Keeps the k largest logits, and those equal to the k-th; 0 = all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the smallest set of largest probabilities whose sum reaches this; 1 = all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Drops probabilities below this fraction of the largest; 0 = none.</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of ids that have occurred; 1 = off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Starts the random numbers.</summary>
    public int Seed { get; init; } = 1;

    internal void Validate()
    {
        Require(Temperature >= 0 && float.IsFinite(Temperature), nameof(Temperature), Temperature, "0 or more");
        Require(TopK >= 0, nameof(TopK), TopK, "0 or more");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0, at most 1");
        Require(MinP is >= 0 and <= 1, nameof(MinP), MinP, "between 0 and 1");
        Require(RepetitionPenalty > 0 && float.IsFinite(RepetitionPenalty), nameof(RepetitionPenalty), RepetitionPenalty, "above 0");

        static void Require(bool holds, string name, object found, string expected)
        {
            if (!holds)
                throw new ArgumentOutOfRangeException(name, found, $"{name}: found {found}, expected {expected}");
        }
    }
}
