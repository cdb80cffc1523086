using System.Text.Json.Serialization;

namespace Vernier.Evaluation;

/// <summary>One generated answer with its scores, in [0, 1].</summary>
public sealed record GenerationSample(string Task, int TestIndex, string Prompt, string Prediction, IReadOnlyList<string> References)
{
    /// <summary>Best ROUGE-L F1 over the references.</summary>
    [JsonPropertyName("rougeL")]
    public required double RougeL { get; init; }

    /// <summary>Best ROUGE-1 F1 over the references.</summary>
    [JsonPropertyName("rouge1")]
    public required double Rouge1 { get; init; }

    /// <summary>1 where the answer equals a reference after normalisation, else 0.</summary>
    public required double ExactMatch { get; init; }
}
