using System.Text.Json.Serialization;

namespace Vernier.Evaluation;

/// <summary>Quality of generated answers.</summary>
public sealed record GenerationResult(string Task) : EvaluationResult(Task)
{
    /// <summary>Instances.</summary>
    public required int N { get; init; }

    /// <summary>Mean of the best ROUGE-L F1 over the references, in percent.</summary>
    [JsonPropertyName("rougeL")]
    public required double RougeL { get; init; }

    /// <summary>Mean of the best ROUGE-1 F1 over the references, in percent.</summary>
    [JsonPropertyName("rouge1")]
    public required double Rouge1 { get; init; }

    /// <summary>Share of answers equal to a reference after normalisation, in percent.</summary>
    public required double ExactMatch { get; init; }

    /// <summary>Every answer, in order, where it was asked for.</summary>
    public IReadOnlyList<GenerationSample>? Samples { get; init; }
}
