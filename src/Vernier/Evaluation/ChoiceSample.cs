namespace Vernier.Evaluation;

/// <summary>One multiple-choice document with its scores.</summary>
/// <param name="DocId">Number of the document, from 0.</param>
/// <param name="Idx">The record's own number where it has one, else its place in the file.</param>
/// <param name="Gold">Number of the right choice.</param>
/// <param name="Pred">The most likely choice, first on ties.</param>
/// <param name="PredNorm">The most likely choice by character.</param>
public sealed record ChoiceSample(int DocId, long Idx, int Gold, int Pred, int? PredNorm)
{
    public string? Subject { get; init; }

    public required double Acc { get; init; }

    public double? AccNorm { get; init; }

    public required double Brier { get; init; }

    public required IReadOnlyList<ScoredChoice> Choices { get; init; }
}
