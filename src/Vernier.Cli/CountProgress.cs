using System.Diagnostics;
using System.Globalization;

namespace Vernier.Cli;

/// <summary>"done of total, time left" on stderr: one line rewritten on a terminal, a line now and then elsewhere.</summary>
internal sealed class CountProgress(string what) : IDisposable
{
    private static readonly TimeSpan OnTerminal = TimeSpan.FromSeconds(0.2);
    private static readonly TimeSpan Elsewhere = TimeSpan.FromSeconds(15);
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private TimeSpan _shown;
    private bool _open;

    public void Report(int done, int total)
    {
        var now = _clock.Elapsed;
        if (now - _shown < (Console.IsErrorRedirected ? Elsewhere : OnTerminal))
            return;
        _shown = now;
        var left = done > 0 ? TimeSpan.FromSeconds(now.TotalSeconds / done * (total - done)) : TimeSpan.Zero;
        var line = string.Create(CultureInfo.InvariantCulture, $"{what}: {done} of {total}, {left:hh\\:mm\\:ss} left");
        if (Console.IsErrorRedirected)
            Console.Error.WriteLine(line);
        else
            Console.Error.Write($"\r{line}\u001b[K");
        _open = !Console.IsErrorRedirected;
    }

    public void Dispose()
    {
        if (_open)
            Console.Error.Write("\r\u001b[K");
        _open = false;
    }
}
