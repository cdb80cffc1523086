namespace Vernier.Evaluation.Tasks;

/// <summary>One multiple-choice question.</summary>
/// <param name="Gold">Number of the right choice.</param>
internal sealed record ChoiceDocument(IReadOnlyList<Choice> Choices, int Gold)
{
    /// <summary>The usual form: one context, answers joined to it by a space.</summary>
    public static ChoiceDocument Of(string context, IEnumerable<string> answers, int gold) =>
        new([.. answers.Select(answer => new Choice(context, " " + answer, PythonText.Length(answer)))], gold);

    /// <summary>The document with its right answer, as an example in front of others.</summary>
    public string Solved => Choices[Gold].Context + Choices[Gold].Continuation;
}
