namespace Vernier.Evaluation.Tasks;

/// <summary>BoolQ: yes or no. Without its <c>passage</c> the question is asked from memory, which gives other figures than the published ones.</summary>
internal static class BoolQ
{
    public static ChoiceTask Task { get; } = new("boolq", HasNorm: false, record =>
    {
        var passage = record.Has("passage") ? record.Text("passage") + "\n" : "";
        return ChoiceDocument.Of($"{passage}Question: {record.Text("question")}?\nAnswer:", ["no", "yes"], record.Choice("label", 2));
    });
}
