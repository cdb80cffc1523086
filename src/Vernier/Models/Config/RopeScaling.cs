namespace Vernier.Models;

/// <summary>Rotary base and scaling as a configuration states them, resolved to one divisor a pair.</summary>
/// <param name="Factors">One divisor for each rotary pair; empty = all 1.</param>
/// <param name="AttentionFactor">Multiplies cosines and sines (YaRN).</param>
/// <param name="Formula">What gives the factors; null where there are none, or a file states them one by one.</param>
internal sealed record RopeScaling(float Theta, float[] Factors, float AttentionFactor, RopeFormula? Formula)
{
    private const string Parameters = "rope_parameters";
    private const string Scaling = "rope_scaling";
    private const string Original = "original_max_position_embeddings";
    private const string FullLayers = "full_attention";
    private const string LocalLayers = "sliding_attention";
    private const string Partial = "partial_rotary_factor";

    private static readonly string[] s_known =
    [
        "rope_type", "type", "factor", "rope_theta", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "beta_fast", "beta_slow",
        "attention_factor", "mscale", "mscale_all_dim", "truncate", "partial_rotary_factor", "finetuned", "short_factor", "long_factor",
    ];

    /// <summary>The same configuration with this base and these factors.</summary>
    public ModelConfig Apply(ModelConfig config) =>
        config with { RopeTheta = Theta, RopeFrequencyFactors = Factors, RopeFormula = Formula, RopeAttentionFactor = AttentionFactor };

    /// <summary>Reads <c>rope_parameters</c> or <c>rope_theta</c> with <c>rope_scaling</c>.</summary>
    /// <exception cref="NotSupportedException">Another kind of scaling, or a key of it that is not known.</exception>
    public static RopeScaling Read(ConfigKeys keys, int rotaryDim, int context, double usualTheta = 10000)
    {
        var name = keys.FindObject(Parameters) is null ? Scaling : Parameters;
        var parameters = keys.FindObject(name);
        if (parameters?.FindObject(FullLayers) is { } full)
            (name, parameters) = ($"{name}.{FullLayers}", full); // one for each kind of layer
        var theta = (float)(parameters?.FindDouble("rope_theta") ?? keys.FindDouble("rope_theta") ?? usualTheta);
        var type = parameters?.FindString("rope_type") ?? parameters?.FindString("type") ?? "default";
        if (type == "su")
            type = RopeFormula.LongRope; // as the first checkpoints spell it
        if (parameters is null)
            return new RopeScaling(theta, [], 1, null);
        if (type is not ("default" or RopeFormula.Linear or RopeFormula.Llama3 or RopeFormula.Yarn or RopeFormula.LongRope or RopeFormula.Dynamic))
            throw new NotSupportedException($"{keys.Path}: key '{name}': rope type '{type}' is not supported; supported are default, linear, llama3, yarn, longrope and dynamic");
        if (parameters.Names.FirstOrDefault(n => !s_known.Contains(n)) is { } unknown)
            throw new NotSupportedException($"{keys.Path}: key '{name}.{unknown}' is not known, and may change the rotary positions");
        if (type == "default")
            return new RopeScaling(theta, [], 1, null);
        var formula = FormulaOf(keys, parameters, name, type, rotaryDim, context);
        return new RopeScaling(theta, formula.Factors(theta, rotaryDim), (float)AttentionFactorOf(parameters, formula), formula);
    }

    private static RopeFormula FormulaOf(ConfigKeys keys, ConfigKeys parameters, string name, string type, int rotaryDim, int context)
    {
        var stated = parameters.FindInt(Original) ?? (type == RopeFormula.LongRope ? keys.FindInt(Original) : null);
        var original = stated ?? context;
        if (type == RopeFormula.Dynamic && original != context)
            throw new NotSupportedException($"{keys.Path}: key '{name}.{Original}' = {original} is not done here for rope type '{type}': it begins beyond max_position_embeddings");
        var factor = type == RopeFormula.LongRope && stated > 0 ? (double)context / stated.Value
            : parameters.FindDouble("factor") ?? (type == RopeFormula.Yarn && stated > 0 ? (double)context / stated.Value : throw parameters.Missing($"{name}.factor"));
        if (!(factor > 0) || original <= 0)
            throw new InvalidDataException($"{keys.Path}: key '{name}': found factor {factor} and original context {original}, expected positive numbers");
        return new RopeFormula
        {
            Type = type,
            Factor = factor,
            OriginalContext = original,
            LowFrequencyFactor = parameters.FindDouble("low_freq_factor") ?? (type == RopeFormula.Llama3 ? throw parameters.Missing($"{name}.low_freq_factor") : 1),
            HighFrequencyFactor = parameters.FindDouble("high_freq_factor") ?? (type == RopeFormula.Llama3 ? throw parameters.Missing($"{name}.high_freq_factor") : 4),
            BetaFast = parameters.FindDouble("beta_fast") ?? 32,
            BetaSlow = parameters.FindDouble("beta_slow") ?? 1,
            Truncates = parameters.FindBool("truncate") ?? true,
            ShortFactors = PairFactors(parameters, name, "short_factor", type, rotaryDim),
            LongFactors = PairFactors(parameters, name, "long_factor", type, rotaryDim),
        };
    }

    /// <summary>The base in layers with a window, of families whose layers differ.</summary>
    /// <exception cref="NotSupportedException">It is scaled.</exception>
    public static float LocalTheta(ConfigKeys keys)
    {
        var local = keys.FindObject(Parameters)?.FindObject(LocalLayers);
        if (local?.FindString("rope_type") is { } type and not "default")
            throw new NotSupportedException($"{keys.Path}: key '{Parameters}.{LocalLayers}': rope type '{type}' is not done here");
        return (float)(local?.FindDouble("rope_theta") ?? keys.FindDouble("rope_local_base_freq") ?? 10000);
    }

    /// <summary>The share of a head's channels that rotate.</summary>
    /// <exception cref="NotSupportedException">It is not 1 in a family that is not known with others.</exception>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static double RotaryShare(ConfigKeys keys)
    {
        var name = keys.FindObject(Parameters)?.FindDouble(Partial) is not null ? $"{Parameters}.{Partial}" : keys.FindObject(Scaling)?.FindDouble(Partial) is not null ? $"{Scaling}.{Partial}" : Partial;
        var share = FindRotaryShare(keys) ?? 1;
        if (share != 1 && !ConfigRules.IsDone(keys, Partial))
            throw new NotSupportedException($"{keys.Path}: key '{name}' = {share} is not done here: all channels of a head rotate");
        return share is > 0 and <= 1 ? share : throw keys.Wrong(name, share.ToString(System.Globalization.CultureInfo.InvariantCulture), "a number above 0 and up to 1");
    }

    private static float[] PairFactors(ConfigKeys parameters, string name, string key, string type, int rotaryDim)
    {
        if (type != RopeFormula.LongRope)
            return [];
        var factors = parameters.FindFloats(key) ?? throw parameters.Missing($"{name}.{key}");
        return factors.Length == rotaryDim / 2 && factors.All(f => f > 0) ? factors
            : throw parameters.Wrong($"{name}.{key}", $"{factors.Length} numbers", $"{rotaryDim / 2} positive ones");
    }

    /// <summary>The same, unchecked; null where nothing is said.</summary>
    public static double? FindRotaryShare(ConfigKeys keys) => keys.FindObject(Parameters)?.FindDouble(Partial) ?? keys.FindObject(Scaling)?.FindDouble(Partial) ?? keys.FindDouble(Partial);

    private static double AttentionFactorOf(ConfigKeys parameters, RopeFormula formula)
    {
        if (formula.Type is not (RopeFormula.Yarn or RopeFormula.LongRope))
            return 1;
        if (parameters.FindDouble("attention_factor") is { } stated)
            return stated;
        if (formula.Type == RopeFormula.Yarn && parameters.FindDouble("mscale") is { } mscale and not 0 && parameters.FindDouble("mscale_all_dim") is { } all and not 0)
            return Scale(mscale) / Scale(all);
        return formula.UsualAttentionFactor;

        double Scale(double by) => formula.Factor > 1 ? 0.1 * by * Math.Log(formula.Factor) + 1 : 1;
    }

    /// <summary>Position interpolation: every angle divided by the factor.</summary>
    public static float[] Linear(int rotaryDim, double factor) => Enumerable.Repeat((float)factor, rotaryDim / 2).ToArray();

    /// <summary>Llama 3: long wavelengths are divided, short ones left, those between blended.</summary>
    public static float[] Llama3(double theta, int rotaryDim, double factor, double low, double high, int original)
    {
        var factors = new float[rotaryDim / 2];
        for (var j = 0; j < factors.Length; j++)
        {
            var wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * j / rotaryDim);
            if (wavelength < original / high)
                factors[j] = 1;
            else if (wavelength > original / low)
                factors[j] = (float)factor;
            else
            {
                var smooth = (original / wavelength - low) / (high - low);
                factors[j] = (float)(1 / ((1 - smooth) / factor + smooth));
            }
        }
        return factors;
    }

    /// <summary>YaRN (Peng et al., arXiv 2309.00071): pairs that turn often inside the original context are left, slow ones interpolated, a ramp between.</summary>
    public static float[] Yarn(double theta, int rotaryDim, double factor, double betaFast, double betaSlow, int original, bool truncates = true)
    {
        var low = Math.Max(truncates ? Math.Floor(PairOf(betaFast)) : PairOf(betaFast), 0);
        var high = Math.Min(truncates ? Math.Ceiling(PairOf(betaSlow)) : PairOf(betaSlow), rotaryDim - 1);
        if (low == high)
            high += 0.001;
        var factors = new float[rotaryDim / 2];
        for (var j = 0; j < factors.Length; j++)
        {
            var interpolated = Math.Clamp((j - low) / (high - low), 0, 1);
            factors[j] = (float)(1 / (interpolated / factor + (1 - interpolated)));
        }
        return factors;

        double PairOf(double rotations) => rotaryDim * Math.Log(original / (rotations * 2 * Math.PI)) / (2 * Math.Log(theta));
    }
}
