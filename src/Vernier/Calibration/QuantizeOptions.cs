namespace Vernier.Calibration;

/// <summary>How a whole model is quantized.</summary>
public sealed record QuantizeOptions
{
    /// <summary>2 to 8.</summary>
    [Option("bits", "bits of a code", Range = "[2, 8]")]
    public int Bits { get; init; } = 4;

    /// <summary>Columns that share a scale; 0 = the whole row.</summary>
    [Option("group", "columns that share a scale; 0 = per channel", Range = "[0, 1048576]")]
    public int Group { get; init; }

    /// <summary>rtn, rtn-sym, mse or gptq.</summary>
    [Option("scheme", "rtn, rtn-sym, mse (clipping searched) or gptq (needs --calibration)", Values = ["rtn", "rtn-sym", "mse", "gptq"])]
    public string Scheme { get; init; } = "rtn";

    /// <summary>Other bit widths for linears whose module path matches a regular expression; the first match counts.</summary>
    public IReadOnlyList<(string Pattern, int Bits)> Overrides { get; init; } = [];

    /// <summary>GPTQ: columns by decreasing second moment, with static groups so that they stay runs of columns.</summary>
    [Option("act-order", "gptq: take columns by decreasing second moment of their inputs")]
    public bool ActivationOrder { get; init; }

    /// <summary>GPTQ: share of the mean diagonal that is added to it.</summary>
    [Option("damping", "gptq: share of the mean second moment that is added to every column's", Range = "(0, 1)")]
    public double Damping { get; init; } = 0.01;

    /// <summary>GPTQ: tokens at the start of each sequence that are left out of the moments, for experiments: the first token often is an attention sink
    /// whose activations are hundreds of times larger than all others, and without it nothing keeps its direction (docs/decisions/gptq-calibration.md).</summary>
    [Option("skip-tokens", "gptq: first tokens of each sample that the moments leave out; attention sinks are better kept", Range = "[0, 16777216]")]
    public int SkipTokens { get; init; }

    /// <summary>GPTQ: calibration sequences.</summary>
    [Option("samples", "gptq: calibration samples", Range = "[1, 1000000]")]
    public int Samples { get; init; } = 64;

    /// <summary>GPTQ: tokens of a calibration sequence.</summary>
    [Option("context", "gptq: tokens of a calibration sample", Range = "[2, 16777216]")]
    public int Context { get; init; } = 512;

    /// <summary>Refuses values that make no sense, alone or together.</summary>
    /// <param name="dash">What stands in front of an option's name in messages: <c>--</c> on the command line.</param>
    /// <exception cref="ArgumentException">One does not; names the option, the value, and what was expected.</exception>
    public QuantizeOptions Checked(string dash = "")
    {
        OptionRules.Check(this, dash);
        OptionRules.Require(Overrides.All(o => o.Bits is >= 2 and <= 8), $"{dash}override gives {string.Join(", ", Overrides.Select(o => o.Bits))} bits, expected 2 to 8");
        OptionRules.Require(SkipTokens < Context, $"{dash}skip-tokens is {SkipTokens}, expected less than the {Context} of {dash}context");
        return this;
    }
}
