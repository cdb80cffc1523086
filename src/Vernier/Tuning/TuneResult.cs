using System.Text.Json.Serialization;

namespace Vernier.Tuning;

/// <summary>What a run came to: the last line of its log and the figures around it. Serializes to the JSON result of <c>tune</c>.</summary>
public sealed record TuneResult
{
    /// <summary>Steps done.</summary>
    [JsonPropertyName("step")]
    public required int Step { get; init; }

    /// <summary>Steps of the planned schedule.</summary>
    [JsonPropertyName("steps")]
    public required int Steps { get; init; }

    /// <summary>Loss of the last step, before its update, nats a token.</summary>
    [JsonPropertyName("loss")]
    public required double Loss { get; init; }

    /// <summary>Global norm of its gradient before clipping.</summary>
    [JsonPropertyName("grad_norm")]
    public required double GradientNorm { get; init; }

    /// <summary>Its learning rate.</summary>
    [JsonPropertyName("lr")]
    public required double LearningRate { get; init; }

    /// <summary>Its tokens.</summary>
    [JsonPropertyName("tokens")]
    public required int Tokens { get; init; }

    /// <summary>Its time.</summary>
    [JsonPropertyName("seconds")]
    public required double Seconds { get; init; }

    /// <summary>Resident memory after the last step, in 10⁶ bytes.</summary>
    [JsonPropertyName("rss_mb")]
    public required double ResidentMegabytes { get; init; }

    /// <summary>Largest resident memory of the process so far, in 10⁶ bytes.</summary>
    [JsonPropertyName("peak_rss_mb")]
    public required double PeakResidentMegabytes { get; init; }

    /// <summary>Blocks whose activations were kept from the forward to the backward pass.</summary>
    [JsonPropertyName("kept_blocks")]
    public required int KeptBlocks { get; init; }

    /// <summary>Blocks that the backward pass computed again, for want of memory.</summary>
    [JsonPropertyName("recomputed_blocks")]
    public required int RecomputedBlocks { get; init; }

    /// <summary>Validation loss before, nats a token; null without validation data. Of methods that train codes (l4q, qat, qat-lora) it is that of the model as it was brought,
    /// of the others that of the start, after a quantization that was asked for.</summary>
    [JsonPropertyName("initial_eval")]
    public required double? InitialEval { get; init; }

    /// <summary>Validation loss of the model as it was brought, where the run rounded its weights before the first step.</summary>
    [JsonPropertyName("brought_eval")]
    public double? BroughtEval { get; init; }

    /// <summary>Validation loss after that rounding and before the first step.</summary>
    [JsonPropertyName("start_eval")]
    public double? StartEval { get; init; }

    /// <summary>Validation loss of the state that the run leaves.</summary>
    [JsonPropertyName("final_eval")]
    public required double? FinalEval { get; init; }

    /// <summary>The codes have the hash that they had before the first step; null where nothing is quantized.</summary>
    [JsonPropertyName("codes_equal")]
    public required bool? CodesEqual { get; init; }

    /// <summary>SHA-256 of the codes that were tuned on.</summary>
    [JsonPropertyName("codes_sha256")]
    public required string? CodesSha256 { get; init; }

    /// <summary>Numbers that were trained.</summary>
    [JsonPropertyName("trainable_parameters")]
    public required long TrainableParameters { get; init; }

    /// <summary>The step whose state the run leaves: the last one, or with --keep best the one with the lowest validation loss; 0 = the start.</summary>
    [JsonPropertyName("kept_step")]
    public int KeptStep { get; init; }

    /// <summary>--patience ended the run before its last step.</summary>
    [JsonPropertyName("stopped_early")]
    public bool StoppedEarly { get; init; }

    /// <summary>All steps of the schedule are done, or --patience ended it; otherwise the run can be resumed.</summary>
    [JsonPropertyName("finished")]
    public required bool Finished { get; init; }

    /// <summary>What a user must not overlook: tuning made it worse, samples were cut.</summary>
    [JsonPropertyName("warnings")]
    public required IReadOnlyList<string> Warnings { get; init; }
}
