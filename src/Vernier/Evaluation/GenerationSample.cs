using System.Text.Json.Serialization;

namespace Vernier.Evaluation;

/// <summary>One generated answer with its scores, in [0, 1].</summary>
public sealed record GenerationSample(string Task, int TestIndex, string Prompt, string Prediction, IReadOnlyList<string> References)
{
    [JsonPropertyName("rougeL")]
    public required double RougeL { get; init; }

    [JsonPropertyName("rouge1")]
    public required double Rouge1 { get; init; }

    public required double ExactMatch { get; init; }
}
