namespace Vernier.Evaluation;

/// <summary>A multiple-choice task: how a record of its data file becomes a document. Templates are those of lm-evaluation-harness.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="HasNorm">The task is also scored by log-likelihood per character.</param>
/// <param name="Read">Throws <see cref="InvalidDataException"/> with the record's place where a field is missing or wrong.</param>
internal sealed record ChoiceTask(string Name, bool HasNorm, Func<JsonRecord, ChoiceDocument> Read)
{
    /// <summary>The tasks whose data is one JSON Lines file.</summary>
    public static IReadOnlyList<ChoiceTask> All { get; } =
    [
        Tasks.Piqa.Task, Tasks.Arc.Easy, Tasks.Arc.Challenge, Tasks.OpenBookQa.Task, Tasks.HellaSwag.Task, Tasks.WinoGrande.Task, Tasks.BoolQ.Task,
    ];
}
