namespace Vernier.Evaluation.Tasks;

/// <summary>The form that ARC and OpenBookQA share: <c>choices {text[], label[]}</c> and <c>answerKey</c>.</summary>
internal static class LabelledOptions
{
    public static (string[] Texts, int Gold) Read(JsonRecord record)
    {
        var choices = record.Object("choices");
        var texts = choices.Texts("text");
        var labels = choices.Texts("label");
        var gold = Array.IndexOf(labels, record.Text("answerKey"));
        return gold >= 0 && labels.Length == texts.Length
            ? (texts, gold)
            : throw new InvalidDataException($"{record.Place}: answerKey '{record.Text("answerKey")}' is none of the {labels.Length} labels of {texts.Length} choices");
    }
}
