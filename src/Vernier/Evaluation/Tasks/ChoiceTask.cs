namespace Vernier.Evaluation.Tasks;

/// <summary>A multiple-choice task: how a record of its data file becomes a document. Templates are those of lm-evaluation-harness.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="HasNorm">The task is also scored by log-likelihood per character.</param>
/// <param name="Read">Throws <see cref="InvalidDataException"/> with the record's place where a field is missing or wrong.</param>
internal sealed record ChoiceTask(string Name, bool HasNorm, Func<JsonRecord, ChoiceDocument> Read);
