namespace Vernier.Tuning;

/// <summary>Factor on the peak learning rate over the steps of a run.</summary>
/// <param name="Kind">Shape after the warm-up.</param>
/// <param name="Steps">S, steps of the whole run, at least 1.</param>
/// <param name="Warmup">W, steps of linear warm-up; 0 = none.</param>
internal readonly record struct LearningRateSchedule(ScheduleKind Kind, int Steps, int Warmup)
{
    /// <summary>The schedule of a run of <paramref name="steps"/> steps.</summary>
    /// <param name="warmupShare">Share of the steps that warm up; null = W of max(1, floor(S / 10)) steps.</param>
    public static LearningRateSchedule Create(ScheduleKind kind, int steps, double? warmupShare)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        if (warmupShare is < 0 or > 1 or double.NaN)
            throw new ArgumentOutOfRangeException(nameof(warmupShare), warmupShare, "the share of the steps that warm up must lie in 0..1");
        var warmup = warmupShare is { } share ? (int)Math.Round(share * steps) : Math.Max(1, steps / 10);
        return new(kind, steps, warmup);
    }

    /// <summary>The factor of a step. Linear: min((k + 1) / W, (S - k) / (S - W)); the first step already learns, the last one still does.
    /// Cosine: the same warm-up, then (1 + cos(π (k - W) / (S - W))) / 2.</summary>
    /// <param name="step">k, from 0.</param>
    public double Factor(int step)
    {
        var warming = Warmup == 0 ? 1.0 : (step + 1.0) / Warmup;
        if (warming < 1)
            return warming;
        return Kind switch
        {
            ScheduleKind.Constant => 1,
            ScheduleKind.Linear => Steps == Warmup ? 1 : Math.Min(1, (Steps - (double)step) / (Steps - Warmup)),
            ScheduleKind.Cosine => Steps == Warmup ? 1 : 0.5 * (1 + Math.Cos(Math.PI * Math.Max(0, step - Warmup) / (Steps - Warmup))),
            _ => throw new NotSupportedException($"schedule {Kind}"),
        };
    }
}
