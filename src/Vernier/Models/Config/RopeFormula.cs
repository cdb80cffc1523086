namespace Vernier.Models;

/// <summary>The formula behind a model's rotary frequency factors, as config.json states it.</summary>
public sealed record RopeFormula
{
    /// <summary>Positions divided by the factor.</summary>
    public const string Linear = "linear";
    /// <summary>Low frequencies divided by the factor, high ones kept, a ramp between them.</summary>
    public const string Llama3 = "llama3";
    /// <summary>YaRN (arXiv 2309.00071).</summary>
    public const string Yarn = "yarn";

    /// <summary>LongRoPE (arXiv 2402.13753): a factor for each pair, others where the text is longer than the original context.</summary>
    public const string LongRope = "longrope";
    /// <summary>NTK-aware scaling: the base grows with the length of a text that is longer than the context.</summary>
    public const string Dynamic = "dynamic";

    /// <summary>linear, llama3, yarn, longrope or dynamic.</summary>
    public required string Type { get; init; }

    /// <summary>How much longer the context became.</summary>
    public required double Factor { get; init; }

    /// <summary>Tokens of the context before scaling.</summary>
    public int OriginalContext { get; init; }

    /// <summary>llama3.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>llama3.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>yarn: pairs that turn more often than this inside the original context are left.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>yarn: pairs that turn less often than this are interpolated.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>yarn: the ends of the ramp are whole pairs.</summary>
    public bool Truncates { get; init; } = true;

    /// <summary>longrope: one divisor for each pair, for texts within the original context.</summary>
    public IReadOnlyList<float> ShortFactors { get; init; } = [];

    /// <summary>longrope: one divisor for each pair, for longer texts.</summary>
    public IReadOnlyList<float> LongFactors { get; init; } = [];

    /// <summary>The angles of a text depend on its length.</summary>
    internal bool VariesWithLength => Type is LongRope or Dynamic;

    /// <summary>dynamic: the base for a text of so many tokens, theta · (factor · T / original - (factor - 1))^(d / (d - 2)).</summary>
    internal double ThetaFor(double theta, int rotaryDim, int tokens) => tokens <= OriginalContext ? theta
        : theta * Math.Pow(Factor * tokens / OriginalContext - (Factor - 1), rotaryDim / (rotaryDim - 2.0));

    /// <summary>What cosines and sines are multiplied by unless it is told: yarn 0.1 ln(factor) + 1, longrope √(1 + ln(factor) / ln(original context)), others 1.</summary>
    public double UsualAttentionFactor => Factor <= 1 ? 1 : Type switch
    {
        Yarn => 0.1 * Math.Log(Factor) + 1,
        LongRope => Math.Sqrt(1 + Math.Log(Factor) / Math.Log(OriginalContext)),
        _ => 1,
    };

    /// <summary>One divisor for each rotary pair.</summary>
    /// <exception cref="NotSupportedException">Another type.</exception>
    public float[] Factors(double theta, int rotaryDim) => Type switch
    {
        Linear => RopeScaling.Linear(rotaryDim, Factor),
        Llama3 => RopeScaling.Llama3(theta, rotaryDim, Factor, LowFrequencyFactor, HighFrequencyFactor, OriginalContext),
        Yarn => RopeScaling.Yarn(theta, rotaryDim, Factor, BetaFast, BetaSlow, OriginalContext, Truncates),
        LongRope => [.. ShortFactors],
        Dynamic => [],
        _ => throw new NotSupportedException($"rope type '{Type}' is not supported; supported are default, linear, llama3, yarn, longrope and dynamic"),
    };
}
