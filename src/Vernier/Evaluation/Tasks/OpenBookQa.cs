namespace Vernier.Evaluation.Tasks;

/// <summary>OpenBookQA: the start of a sentence and four ways to end it.</summary>
internal static class OpenBookQa
{
    public static ChoiceTask Task { get; } = new("openbookqa", HasNorm: true, record =>
    {
        var (texts, gold) = LabelledOptions.Read(record);
        return ChoiceDocument.Of(record.Text("question_stem"), texts, gold);
    });
}
