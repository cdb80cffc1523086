namespace Vernier.Evaluation;

/// <summary>Precision, recall and their harmonic mean, each in [0, 1].</summary>
internal readonly record struct RougeScore(double Precision, double Recall)
{
    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;
}
