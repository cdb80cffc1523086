namespace Vernier.Demo;

/// <summary>What the demonstration showed.</summary>
public sealed record DemoResult
{
    /// <summary>Weights of the model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of all weights in full precision (fp32).</summary>
    public required long FullBytes { get; init; }

    /// <summary>Bits of a quantized weight, without its share of the scales.</summary>
    public required int Bits { get; init; }

    /// <summary>Full precision, rounded, then one row a task.</summary>
    public required IReadOnlyList<DemoRow> Rows { get; init; }

    public required IReadOnlyList<DemoTask> Tasks { get; init; }

    /// <summary>SHA-256 of the integer codes after rounding.</summary>
    public required string CodesSha256 { get; init; }

    /// <summary>The codes had that hash after all tuning and switching.</summary>
    public required bool CodesEqual { get; init; }

    /// <summary>After switching through all tasks and back, every perplexity is the same to the last bit.</summary>
    public required bool SwitchingIsExact { get; init; }

    /// <summary>The loss curve of the training from scratch.</summary>
    public required string LossChart { get; init; }

    public required double Seconds { get; init; }
}
