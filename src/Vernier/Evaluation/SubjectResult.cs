namespace Vernier.Evaluation;

/// <summary>Accuracy on one subject of mmlu.</summary>
public sealed record SubjectResult(string Category, int N, double Acc);
