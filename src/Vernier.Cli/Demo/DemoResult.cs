namespace Vernier.Cli.Demo;

/// <summary>What the demonstration showed.</summary>
internal sealed record DemoResult
{
    /// <summary>Weights of the model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Bytes of all weights in full precision (fp32).</summary>
    public required long FullBytes { get; init; }

    /// <summary>Bits of a quantized weight, without its share of the scales.</summary>
    public required int Bits { get; init; }

    /// <summary>Columns that share a scale; 0 = a whole row.</summary>
    public required int Group { get; init; }

    /// <summary>Full precision, rounded, then one row a task.</summary>
    public required IReadOnlyList<DemoRow> Rows { get; init; }

    /// <summary>The same for the exported files after they were loaded again: rounded, then one a task.</summary>
    public required IReadOnlyList<DemoExport> Exports { get; init; }

    /// <summary>What was tuned.</summary>
    public required IReadOnlyList<DemoTask> Tasks { get; init; }

    /// <summary>SHA-256 of the integer codes after rounding.</summary>
    public required string CodesSha256 { get; init; }

    /// <summary>The codes had that hash after all tuning and switching, and every exported file has these codes, compared one by one.</summary>
    public required bool CodesEqual { get; init; }

    /// <summary>After switching through all tasks and back, every perplexity is the same to the last bit.</summary>
    public required bool SwitchingIsExact { get; init; }

    /// <summary>The loss curves of all three trainings, one after the other, SVG.</summary>
    public required string LossChart { get; init; }

    /// <summary>Time of all of it.</summary>
    public required double Seconds { get; init; }
}
