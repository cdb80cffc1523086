namespace Vernier.Inspection;

/// <summary>Runs and models side by side; the JSON result of <c>compare</c> and <c>sweep</c>.</summary>
/// <param name="Runs">In the order in which they were given, or run.</param>
internal sealed record RunComparison(IReadOnlyList<RunSummary> Runs);
