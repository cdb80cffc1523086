namespace Vernier.Evaluation.Tasks;

/// <summary>PIQA: physical common sense, two solutions to a goal.</summary>
internal static class Piqa
{
    public static ChoiceTask Task { get; } = new("piqa", HasNorm: true, record =>
        ChoiceDocument.Of($"Question: {record.Text("goal")}\nAnswer:", [record.Text("sol1"), record.Text("sol2")], record.Choice("label", 2)));
}
