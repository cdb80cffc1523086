namespace Vernier.Evaluation.Tasks;

/// <summary>WinoGrande: which of two names fills the blank? The choice is in the context, and the text after the blank is scored.</summary>
internal static class WinoGrande
{
    public static ChoiceTask Task { get; } = new("winogrande", HasNorm: false, record =>
    {
        var sentence = record.Text("sentence");
        var blank = sentence.IndexOf('_');
        if (blank < 0)
            throw new InvalidDataException($"{record.Place}: field 'sentence' has no blank '_'");
        var rest = " " + PythonText.Strip(sentence[(blank + 1)..]);
        var gold = record.Text("answer") switch
        {
            "1" => 0,
            "2" => 1,
            var other => throw new InvalidDataException($"{record.Place}: field 'answer': expected \"1\" or \"2\", found \"{other}\""),
        };
        return new ChoiceDocument([Fill(record.Text("option1")), Fill(record.Text("option2"))], gold);

        Choice Fill(string option)
        {
            var context = sentence[..blank] + option;
            return new Choice(context, rest, PythonText.Length(context));
        }
    });
}
