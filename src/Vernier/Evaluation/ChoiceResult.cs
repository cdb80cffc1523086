namespace Vernier.Evaluation;

/// <summary>Accuracy on multiple choice.</summary>
public sealed record ChoiceResult(string Task) : EvaluationResult(Task)
{
    /// <summary>Documents.</summary>
    public required int N { get; init; }

    /// <summary>Solved examples in front of each document.</summary>
    public required int Shots { get; init; }

    /// <summary>Share of documents whose most likely choice is the right one.</summary>
    public required double Acc { get; init; }

    /// <summary>Standard error of the mean; null below two documents.</summary>
    public required double? AccStderr { get; init; }

    /// <summary>The same with log-likelihoods divided by the characters of the choice; null where the task has no such score.</summary>
    public double? AccNorm { get; init; }

    /// <summary>Standard error of acc_norm; null below two documents.</summary>
    public double? AccNormStderr { get; init; }

    /// <summary>Mean over documents of the squared distance between the probabilities of the choices and the truth, in [0, 2].</summary>
    public required double Brier { get; init; }

    /// <summary>mmlu: accuracy over all questions of a category.</summary>
    public double? AccStem { get; init; }

    /// <summary>mmlu: accuracy over all questions of the humanities.</summary>
    public double? AccHumanities { get; init; }

    /// <summary>mmlu: accuracy over all questions of the social sciences.</summary>
    public double? AccSocialSciences { get; init; }

    /// <summary>mmlu: accuracy over all other questions.</summary>
    public double? AccOther { get; init; }

    /// <summary>mmlu: by subject.</summary>
    public IReadOnlyDictionary<string, SubjectResult>? BySubject { get; init; }

    /// <summary>Every document, in order, where it was asked for.</summary>
    public IReadOnlyList<ChoiceSample>? Samples { get; init; }
}
