namespace Vernier.Evaluation;

/// <summary>What an evaluation found. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="Task">The task's name, or the file's.</param>
public abstract record EvaluationResult(string Task);
