namespace Vernier.Evaluation;

/// <summary>The metric of Natural-Instructions (Wang et al., "Super-NaturalInstructions", EMNLP 2022): the best score over all references.</summary>
internal static class AnswerMetric
{
    private static readonly Rouge Stemmed = new(stem: true);

    /// <summary>1 where the answer equals a reference after <see cref="Normalize"/>, else 0.</summary>
    public static double ExactMatch(string answer, IEnumerable<string> references)
    {
        var normalized = Normalize(answer);
        return references.Any(reference => Normalize(reference) == normalized) ? 1 : 0;
    }

    /// <summary>Best F1 of single words, stemmed.</summary>
    public static double Rouge1(string answer, IEnumerable<string> references) =>
        references.Max(reference => Stemmed.ByNgrams(1, answer, reference).F1);

    /// <summary>Best F1 of the longest common subsequence, stemmed.</summary>
    public static double RougeL(string answer, IEnumerable<string> references) =>
        references.Max(reference => Stemmed.ByLongestSubsequence(answer, reference).F1);

    /// <summary>Lower case, ASCII punctuation deleted, white space collapsed.</summary>
    public static string Normalize(string text)
    {
        var kept = string.Concat(PythonText.Lower(text).Where(c => !(char.IsAscii(c) && (char.IsPunctuation(c) || char.IsSymbol(c)))));
        return string.Join(' ', PythonText.Split(kept));
    }
}
