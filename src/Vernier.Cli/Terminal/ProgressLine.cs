using System.Diagnostics;
using System.Globalization;

namespace Vernier.Cli.Terminal;

/// <summary>Where work stands, on standard error: one line that is written again and never wraps on a terminal, a line now and then elsewhere.
/// It is the only progress that the command line shows.</summary>
internal sealed class ProgressLine : IDisposable
{
    private const int WidestBar = 28;
    private const int NarrowestBar = 8;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenDrawings = TimeSpan.FromSeconds(0.1);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(15);
    private static readonly Lock Gate = new();
    private static ProgressLine? _drawn;

    private readonly string _what;
    private readonly bool _stays;
    private readonly TimeSpan _patience;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Timer _timer;
    private TimeSpan _shown = -BetweenLines;
    private int _done;
    private int _total;
    private string[]? _parts;
    private int _columns;
    private bool _changed;
    private bool _disposed;

    /// <param name="what">In a word or two, e.g. <c>loading</c>.</param>
    /// <param name="stays">The first and last states are shown however short the work is, and the last one stays on the screen.</param>
    /// <param name="patience">Nothing is shown of work that ends within.</param>
    public ProgressLine(string what, bool stays = false, TimeSpan patience = default)
    {
        (_what, _stays, _patience) = (VisibleText.Line(what), stays, patience);
        _timer = new Timer(_ => Show(now: false, tick: true), null, Tick, Tick);
    }

    /// <summary>Erases the line that is on the screen, if there is one: something else is about to be written there.</summary>
    public static void GiveWay()
    {
        lock (Gate)
            _drawn?.Erase();
    }

    /// <summary>Tells where the work stands.</summary>
    /// <param name="total">0 where it is not known.</param>
    /// <param name="now">Show it at once.</param>
    /// <param name="parts">What to show after the count, the most important first: those at the end go where the terminal is narrow. Without any, the time that is left.</param>
    public void Report(int done, int total, bool now = false, string[]? parts = null)
    {
        lock (Gate)
            (_done, _total, _parts, _changed) = (done, total, parts, true);
        Show(now || (_stays && (_shown < TimeSpan.Zero || done == total)));
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (Gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            if (!_stays || !Screen.ErrorRewrites)
            {
                Erase();
            }
            else if (_total > 0)
            {
                Draw();
                Screen.RawError.WriteLine();
                _drawn = null;
            }
        }
    }

    private void Show(bool now, bool tick = false)
    {
        lock (Gate)
        {
            var at = _clock.Elapsed;
            var waits = Screen.ErrorRewrites ? BetweenDrawings : BetweenLines;
            // Time goes on in the newest line alone, and a file gets no line twice.
            if (tick && ((_stays && _total == 0) || (_drawn is not null && _drawn != this) || (!Screen.ErrorRewrites && _total > 0 && !_changed)))
                return;
            if (_disposed || (!now && (at < _patience || at - _shown < waits || (!Screen.ErrorRewrites && at < waits))))
                return;
            (_shown, _changed) = (at, false);
            if (Screen.ErrorRewrites)
                Draw();
            else
                Screen.RawError.WriteLine(Text(int.MaxValue));
        }
    }

    private void Draw()
    {
        if (_drawn != this)
            _drawn?.Erase();
        var width = Math.Max(1, Screen.Width - 1); // a full last column would wrap
        var text = Text(width);
        var bar = Math.Min(WidestBar, width - VisibleText.Columns(text) - 1);
        var columns = VisibleText.Columns(text);
        if (_total > 0 && bar >= NarrowestBar)
        {
            columns += bar + 1;
            text = $"{Bar(bar)} {text}";
        }
        // What is left of a longer line is written over: not every terminal can erase, and at worst this wraps nothing.
        Screen.RawError.Write($"\r{text}{new string(' ', Math.Clamp(_columns - columns, 0, width - Math.Min(width, columns)))}");
        (_columns, _drawn) = (columns, this);
    }

    private void Erase()
    {
        if (_drawn == this)
            Screen.RawError.Write($"\r{new string(' ', Math.Min(_columns, Screen.Width - 1))}\r");
        if (_drawn == this)
            _drawn = null;
        _columns = 0;
    }

    private string Bar(int columns)
    {
        var filled = (int)((long)columns * Math.Clamp(_done, 0, _total) / _total);
        var (full, rest) = Screen.Unicode ? ('━', '─') : ('#', '-');
        var (done, left) = (new string(full, filled), new string(rest, columns - filled));
        return Screen.Colors ? $"\e[32m{done}\e[90m{left}\e[0m" : done + left;
    }

    private string Text(int columns)
    {
        var c = CultureInfo.InvariantCulture;
        var text = _total > 0 ? string.Create(c, $"{_what} {_done}/{_total}") : _what;
        foreach (var part in _parts ?? [Time()])
        {
            var longer = part.Length == 0 ? text : $"{text}  {VisibleText.Line(part)}";
            if (VisibleText.Columns(longer) > columns)
                break;
            text = longer;
        }
        return VisibleText.Cut(text, columns);
    }

    private string Time()
    {
        var gone = _clock.Elapsed;
        return _total == 0 ? Length(gone) : _done > 0 ? $"{Length(gone / _done * (_total - _done))} left" : "";
    }

    /// <summary>A time in a few characters: <c>12 s</c>, <c>3:05 min</c>, <c>2:40 h</c>.</summary>
    public static string Length(TimeSpan time)
    {
        var c = CultureInfo.InvariantCulture;
        var seconds = (long)Math.Round(Math.Min(time.TotalSeconds, 3.6e8));
        return seconds < 60 ? string.Create(c, $"{seconds} s")
            : seconds < 3600 ? string.Create(c, $"{seconds / 60}:{seconds % 60:00} min")
            : string.Create(c, $"{seconds / 3600}:{seconds / 60 % 60:00} h");
    }
}
