namespace Vernier.Quantization;

/// <summary>How a whole model is quantized.</summary>
public sealed record QuantizeOptions
{
    /// <summary>rtn, rtn-sym, mse or gptq.</summary>
    public string Scheme { get; init; } = "rtn";

    /// <summary>2 to 8.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Columns that share a scale; 0 = the whole row.</summary>
    public int Group { get; init; }

    /// <summary>Other bit widths for linears whose module path matches a regular expression; the first match counts.</summary>
    public IReadOnlyList<(string Pattern, int Bits)> Overrides { get; init; } = [];

    /// <summary>GPTQ: columns by decreasing second moment, with static groups so that they stay runs of columns.</summary>
    public bool ActivationOrder { get; init; }

    /// <summary>GPTQ: share of the mean diagonal that is added to it.</summary>
    public double Damping { get; init; } = 0.01;

    /// <summary>GPTQ: tokens at the start of each sequence that are left out of the moments. The first token often is an attention sink
    /// whose activations are hundreds of times larger than all others and would decide the moments alone.</summary>
    public int SkipTokens { get; init; }
}
