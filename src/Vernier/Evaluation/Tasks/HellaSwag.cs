using System.Text.RegularExpressions;

namespace Vernier.Evaluation.Tasks;

/// <summary>HellaSwag: how does the scene go on? Reads the prepared form (<c>query, choices, gold</c>) and the published one
/// (<c>activity_label, ctx_a, ctx_b, endings, label</c>).</summary>
internal static partial class HellaSwag
{
    public static ChoiceTask Task { get; } = new("hellaswag", HasNorm: true, record => record.Has("endings") ? ReadPublished(record) : ReadPrepared(record));

    private static ChoiceDocument ReadPrepared(JsonRecord record)
    {
        var choices = record.Texts("choices");
        return ChoiceDocument.Of(record.Text("query"), choices, record.Choice("gold", choices.Length));
    }

    private static ChoiceDocument ReadPublished(JsonRecord record)
    {
        var endings = record.Texts("endings");
        var context = $"{record.Text("activity_label")}: {record.Text("ctx_a")} {Capitalize(record.Text("ctx_b"))}";
        return ChoiceDocument.Of(Clean(context), endings.Select(Clean), record.Choice("label", endings.Length));
    }

    // str.capitalize: the first letter up, all others down
    private static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + PythonText.Lower(text[1..]);

    private static string Clean(string text) => Brackets().Replace(PythonText.Strip(text).Replace(" [title]", ". "), "").Replace("  ", " ");

    [GeneratedRegex(@"\[.*?\]")]
    private static partial Regex Brackets();
}
