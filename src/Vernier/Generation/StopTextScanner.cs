namespace Vernier.Generation;

/// <summary>Holds streamed text back while it may be the beginning of a stop text.</summary>
internal sealed class StopTextScanner(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>Adds text and gives what can be shown; <paramref name="stopped"/> when a stop text was completed (it is not given).</summary>
    public string Add(string text, out bool stopped)
    {
        stopped = false;
        if (stops.Count == 0)
            return text;
        _held += text;
        var first = -1;
        foreach (var stop in stops)
        {
            var at = _held.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first))
                first = at;
        }
        stopped = first >= 0;
        return Release(stopped ? first : _held.Length - Pending());
    }

    /// <summary>What was held back, when generation ended otherwise.</summary>
    public string Finish() => Release(_held.Length);

    private string Release(int count)
    {
        var shown = _held[..count];
        _held = _held[count..];
        return shown;
    }

    /// <summary>Length of the longest end of the held text that begins a stop text.</summary>
    private int Pending()
    {
        var longest = 0;
        foreach (var stop in stops)
            for (var length = Math.Min(stop.Length - 1, _held.Length); length > longest; length--)
                if (_held.EndsWith(stop[..length], StringComparison.Ordinal))
                    longest = length;
        return longest;
    }
}
