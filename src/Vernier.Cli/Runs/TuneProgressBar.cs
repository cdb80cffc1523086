using System.Diagnostics;
using System.Globalization;
using Vernier.Cli.Terminal;
using Vernier.Tuning;

namespace Vernier.Cli.Runs;

/// <summary>Where a tuning run stands: the measurement before it, then loss, remaining time, tokens a second and resident memory after every step.</summary>
internal sealed class TuneProgressBar : IDisposable
{
    private const double Smoothing = 0.2;
    private readonly ProgressLine _steps = new("step", stays: true);
    private ProgressLine? _evaluation;
    private ProgressLine? _first;
    private (int Done, long Time) _evaluated;
    private double _seconds;

    /// <summary>The run begins: the first step takes longest, and it shows how long the others take.</summary>
    public void Begin() => _first = new ProgressLine("before the first step is done", patience: TimeSpan.FromSeconds(1));

    /// <summary>Batches of the validation data that are measured.</summary>
    public void Evaluating(int done, int total)
    {
        EndFirst();
        if (_evaluation is null)
            (_evaluation, _evaluated) = (new ProgressLine("measuring the validation data"), (done, Stopwatch.GetTimestamp()));
        // The line begins with the first batch done: what is left is known by the second.
        _evaluation.Report(done, total, parts: done == _evaluated.Done ? [] : [$"{ProgressLine.Length(Stopwatch.GetElapsedTime(_evaluated.Time) / (done - _evaluated.Done) * (total - done))} left"]);
        if (done < total)
            return;
        EndEvaluation();
        if (_seconds == 0)
            Begin();
    }

    public void Report(TuneProgress at)
    {
        EndFirst();
        EndEvaluation();
        if (_seconds == 0)
            Announce(at);
        // A moving average: one slow step does not swing the estimate.
        _seconds = _seconds == 0 ? at.Seconds : _seconds + Smoothing * (at.Seconds - _seconds);
        var c = CultureInfo.InvariantCulture;
        var left = ProgressLine.Length(TimeSpan.FromSeconds(_seconds * (at.Steps - at.Step)));
        List<string> parts = [string.Create(c, $"loss {at.Loss:F4}"), $"{left} left", string.Create(c, $"{at.Tokens / _seconds:F0} tokens/s"), string.Create(c, $"{at.ResidentBytes / 1e6:F0} MB")];
        if (at.EvalLoss is { } eval)
            parts.Insert(1, string.Create(c, $"eval {eval:F4}"));
        _steps.Report(at.Step, at.Steps, now: at.EvalLoss is not null, [.. parts]);
    }

    public void Dispose()
    {
        EndFirst();
        EndEvaluation();
        _steps.Dispose();
    }

    private void EndFirst()
    {
        _first?.Dispose();
        _first = null;
    }

    private void EndEvaluation()
    {
        _evaluation?.Dispose();
        _evaluation = null;
    }

    private static void Announce(TuneProgress at)
    {
        var c = CultureInfo.InvariantCulture;
        var left = at.Steps - at.Step + 1;
        var blocks = at.KeptBlocks + at.RecomputedBlocks;
        TuneOutlook.Line("time", string.Create(c, $"about {ProgressLine.Length(TimeSpan.FromSeconds(at.Seconds * left))} for {left} {(left == 1 ? "step" : "steps")}, by the first one"));
        TuneOutlook.Line("memory", string.Create(c, $"{at.ResidentBytes / 1e6:F0} MB; {(at.RecomputedBlocks == 0 ? "no block of the model is computed twice" : $"{at.RecomputedBlocks} of {blocks} blocks of the model are computed twice to save memory (--memory-limit)")}"));
    }
}
