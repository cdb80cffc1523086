using Vernier.Tuning;

namespace Vernier.Quantization;

/// <summary>How a whole model is quantized.</summary>
public sealed record QuantizeOptions
{
    /// <summary>2 to 8.</summary>
    [Option("bits", "bits of a code, 2 to 8")]
    public int Bits { get; init; } = 4;

    /// <summary>Columns that share a scale; 0 = the whole row.</summary>
    [Option("group", "columns that share a scale; 0 = per channel")]
    public int Group { get; init; }

    /// <summary>rtn, rtn-sym, mse or gptq.</summary>
    [Option("scheme", "rtn, rtn-sym, mse (clipping searched) or gptq (needs --calibration)")]
    public string Scheme { get; init; } = "rtn";

    /// <summary>Other bit widths for linears whose module path matches a regular expression; the first match counts.</summary>
    public IReadOnlyList<(string Pattern, int Bits)> Overrides { get; init; } = [];

    /// <summary>GPTQ: columns by decreasing second moment, with static groups so that they stay runs of columns.</summary>
    [Option("act-order", "gptq: take columns by decreasing second moment of their inputs")]
    public bool ActivationOrder { get; init; }

    /// <summary>GPTQ: share of the mean diagonal that is added to it.</summary>
    [Option("damping", "gptq: share of the mean second moment that is added to every column's")]
    public double Damping { get; init; } = 0.01;

    /// <summary>GPTQ: tokens at the start of each sequence that are left out of the moments, for experiments: the first token often is an attention sink
    /// whose activations are hundreds of times larger than all others, and without it nothing keeps its direction (docs/decisions/gptq-calibration.md).</summary>
    [Option("skip-tokens", "gptq: first tokens of each sample that the moments leave out; attention sinks are better kept")]
    public int SkipTokens { get; init; }

    /// <summary>GPTQ: calibration sequences.</summary>
    [Option("samples", "gptq: calibration samples")]
    public int Samples { get; init; } = 64;

    /// <summary>GPTQ: tokens of a calibration sequence.</summary>
    [Option("context", "gptq: tokens of a calibration sample")]
    public int Context { get; init; } = 512;

    /// <summary>Refuses values that make no sense.</summary>
    /// <exception cref="ArgumentException">One does not.</exception>
    public QuantizeOptions Checked()
    {
        Require(Bits is >= 2 and <= 8, "bits", Bits, "2 to 8");
        Require(Group >= 0, "group", Group, "not negative");
        Require(Overrides.All(o => o.Bits is >= 2 and <= 8), "override", string.Join(", ", Overrides.Select(o => o.Bits)), "2 to 8 bits");
        Require(Damping is > 0 and < 1, "damping", Damping, "a share between 0 and 1");
        Require(SkipTokens >= 0 && SkipTokens < Context, "skip-tokens", SkipTokens, "less than a sample's tokens");
        Require(Samples > 0, "samples", Samples, "at least 1");
        Require(Context > 1, "context", Context, "at least 2");
        Require(QuantizationScheme.All.Any(s => s.Name == Scheme), "scheme", Scheme, string.Join(", ", QuantizationScheme.All.Select(s => s.Name)));
        return this;

        static void Require(bool holds, string name, object value, string expected)
        {
            if (!holds)
                throw new ArgumentException(FormattableString.Invariant($"{name} is {value}, expected {expected}"));
        }
    }
}
