namespace Vernier.Models;

/// <summary>Rotary base and scaling as a configuration states them, resolved to one divisor a pair.</summary>
/// <param name="Factors">One divisor for each rotary pair; empty = all 1.</param>
/// <param name="AttentionFactor">Multiplies cosines and sines (YaRN).</param>
internal sealed record RopeScaling(float Theta, float[] Factors, float AttentionFactor)
{
    /// <summary>Reads <c>rope_parameters</c> or <c>rope_theta</c> with <c>rope_scaling</c>.</summary>
    public static RopeScaling Read(ConfigKeys keys, int rotaryDim, int context)
    {
        var parameters = keys.FindObject("rope_parameters") ?? keys.FindObject("rope_scaling");
        var theta = (float)(parameters?.FindDouble("rope_theta") ?? keys.FindDouble("rope_theta") ?? 10000);
        var type = parameters?.FindString("rope_type") ?? parameters?.FindString("type") ?? "default";
        if (parameters is null || type == "default")
            return new RopeScaling(theta, [], 1);
        var factor = parameters.FindDouble("factor") ?? throw parameters.Missing("factor");
        var original = parameters.FindInt("original_max_position_embeddings") ?? context;
        return type switch
        {
            "linear" => new RopeScaling(theta, Linear(rotaryDim, factor), 1),
            "llama3" => new RopeScaling(theta, Llama3(theta, rotaryDim, factor,
                parameters.FindDouble("low_freq_factor") ?? throw parameters.Missing("low_freq_factor"),
                parameters.FindDouble("high_freq_factor") ?? throw parameters.Missing("high_freq_factor"), original), 1),
            "yarn" => new RopeScaling(theta,
                Yarn(theta, rotaryDim, factor, parameters.FindDouble("beta_fast") ?? 32, parameters.FindDouble("beta_slow") ?? 1, original),
                (float)(parameters.FindDouble("attention_factor") ?? (factor > 1 ? 0.1 * Math.Log(factor) + 1 : 1))),
            _ => throw new NotSupportedException($"{keys.Path}: rope type '{type}' is not supported; supported are default, linear, llama3 and yarn"),
        };
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
    public static float[] Yarn(double theta, int rotaryDim, double factor, double betaFast, double betaSlow, int original)
    {
        var low = Math.Max(Math.Floor(PairOf(betaFast)), 0);
        var high = Math.Min(Math.Ceiling(PairOf(betaSlow)), rotaryDim - 1);
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
