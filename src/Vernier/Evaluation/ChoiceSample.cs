namespace Vernier.Evaluation;

/// <summary>One multiple-choice document with its scores.</summary>
/// <param name="DocId">Number of the document, from 0.</param>
/// <param name="Idx">The record's own number where it has one, else its place in the file.</param>
/// <param name="Gold">Number of the right choice.</param>
/// <param name="Pred">The most likely choice, first on ties.</param>
/// <param name="PredNorm">The most likely choice by character.</param>
public sealed record ChoiceSample(int DocId, long Idx, int Gold, int Pred, int? PredNorm)
{
    /// <summary>mmlu: its subject; else null.</summary>
    public string? Subject { get; init; }

    /// <summary>1 where the most likely choice is the right one, else 0.</summary>
    public required double Acc { get; init; }

    /// <summary>The same by character; null where the task has no such score.</summary>
    public double? AccNorm { get; init; }

    /// <summary>Squared distance between the probabilities of the choices and the truth, in [0, 2].</summary>
    public required double Brier { get; init; }

    /// <summary>Every choice with its log-likelihood.</summary>
    public required IReadOnlyList<ScoredChoice> Choices { get; init; }
}
