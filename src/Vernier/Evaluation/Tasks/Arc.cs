namespace Vernier.Evaluation.Tasks;

/// <summary>ARC: grade-school science questions with three to five options.</summary>
internal static class Arc
{
    public static ChoiceTask Easy { get; } = new("arc_easy", HasNorm: true, Read);

    public static ChoiceTask Challenge { get; } = new("arc_challenge", HasNorm: true, Read);

    private static ChoiceDocument Read(JsonRecord record)
    {
        var (texts, gold) = LabelledOptions.Read(record);
        return ChoiceDocument.Of($"Question: {record.Text("question")}\nAnswer:", texts, gold);
    }
}
