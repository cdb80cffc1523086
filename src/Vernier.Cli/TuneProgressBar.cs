using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using Vernier.Tuning;

namespace Vernier.Cli;

/// <summary>Where a tuning run stands, on stderr: a bar with loss, tokens a second, remaining time and resident memory on a terminal, a line now and then elsewhere.</summary>
internal sealed class TuneProgressBar : IDisposable
{
    private const int BarWidth = 28;
    private const double Smoothing = 0.2;
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(15);
    private readonly IAnsiConsole _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    private readonly bool _terminal = !Console.IsErrorRedirected;
    private readonly Stopwatch _sinceLine = new();
    private double _seconds;
    private bool _open;

    public void Report(TuneProgress at)
    {
        if (_seconds == 0)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kept from the forward pass: the insides of {at.KeptBlocks} blocks; computed again: those of {at.RecomputedBlocks}"));
        // A moving average: one slow step does not swing the estimate.
        _seconds = _seconds == 0 ? at.Seconds : _seconds + Smoothing * (at.Seconds - _seconds);
        if (!_terminal && _sinceLine.IsRunning && _sinceLine.Elapsed < BetweenLines && at.Step != at.Steps && at.EvalLoss is null)
            return;
        _sinceLine.Restart();
        var c = CultureInfo.InvariantCulture;
        var left = TimeSpan.FromSeconds(_seconds * (at.Steps - at.Step));
        var eval = at.EvalLoss is { } loss ? string.Create(c, $", eval {loss:F4}") : "";
        var text = string.Create(c, $"step {at.Step}/{at.Steps}  loss {at.Loss:F4}{eval}  {at.Tokens / _seconds:F0} tokens/s  {left:hh\\:mm\\:ss} left  {at.ResidentBytes / 1e6:F0} MB");
        if (!_terminal)
        {
            Console.Error.WriteLine(text);
            return;
        }
        var filled = BarWidth * at.Step / Math.Max(1, at.Steps);
        _console.Markup($"\r[green]{new string('━', filled)}[/][grey]{new string('─', BarWidth - filled)}[/] {Markup.Escape(text)}\u001b[K");
        _open = true;
    }

    public void Dispose()
    {
        if (_open)
            Console.Error.WriteLine();
        _open = false;
    }
}
