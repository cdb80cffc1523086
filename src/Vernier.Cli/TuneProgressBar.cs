using System.Globalization;
using Vernier.Cli.Terminal;
using Vernier.Tuning;

namespace Vernier.Cli;

/// <summary>Where a tuning run stands: loss, remaining time, tokens a second and resident memory after every step.</summary>
internal sealed class TuneProgressBar : IDisposable
{
    private const double Smoothing = 0.2;
    private readonly ProgressLine _line = new("step", stays: true);
    private double _seconds;

    public void Report(TuneProgress at)
    {
        if (_seconds == 0)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kept from the forward pass: the insides of {at.KeptBlocks} blocks; computed again: those of {at.RecomputedBlocks}"));
        // A moving average: one slow step does not swing the estimate.
        _seconds = _seconds == 0 ? at.Seconds : _seconds + Smoothing * (at.Seconds - _seconds);
        var c = CultureInfo.InvariantCulture;
        var left = ProgressLine.Length(TimeSpan.FromSeconds(_seconds * (at.Steps - at.Step)));
        List<string> parts = [string.Create(c, $"loss {at.Loss:F4}"), $"{left} left", string.Create(c, $"{at.Tokens / _seconds:F0} tokens/s"), string.Create(c, $"{at.ResidentBytes / 1e6:F0} MB")];
        if (at.EvalLoss is { } eval)
            parts.Insert(1, string.Create(c, $"eval {eval:F4}"));
        _line.Report(at.Step, at.Steps, now: at.EvalLoss is not null, [.. parts]);
    }

    public void Dispose() => _line.Dispose();
}
