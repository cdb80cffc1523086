using System.Globalization;
using System.Text;

namespace Vernier.Cards;

/// <summary>The frame of a chart of losses over steps, as SVG: title, axes with round marks, and lines and dots in the figures' own units.</summary>
internal sealed class ChartCanvas
{
    public const int Width = 800, Height = 450, Left = 70, Right = 20, Top = 50, Bottom = 55;

    private readonly StringBuilder _svg = new();
    private readonly double _low;
    private readonly double _high;
    private readonly int _last;

    /// <param name="losses">All that will be drawn: the frame holds them.</param>
    /// <param name="last">The last step.</param>
    public ChartCanvas(string title, IEnumerable<double> losses, int last)
    {
        _last = Math.Max(1, last);
        var all = losses.Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        (_low, _high, var tick) = Axis(all.Min(), all.Max());
        Append($"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="13">
            <rect width="{Width}" height="{Height}" fill="white"/>
            <text x="{Left}" y="28" font-size="17">{Escaped(title)}</text>

            """);
        for (var value = _low; value <= _high + tick / 2; value += tick)
            Append($"""
                <line x1="{Left}" y1="{Y(value):F1}" x2="{Width - Right}" y2="{Y(value):F1}" stroke="#ddd"/><text x="{Left - 8}" y="{Y(value) + 4:F1}" text-anchor="end">{value.ToString("0.####", CultureInfo.InvariantCulture)}</text>

                """);
        var (_, _, stepTick) = Axis(0, _last);
        stepTick = Math.Max(1, Math.Round(stepTick));
        for (var step = 0.0; step <= _last; step += stepTick)
            Append($"""
                <line x1="{X(step):F1}" y1="{Height - Bottom}" x2="{X(step):F1}" y2="{Height - Bottom + 5}" stroke="#444"/><text x="{X(step):F1}" y="{Height - Bottom + 20}" text-anchor="middle">{step:F0}</text>

                """);
        Append($"""
            <path d="M{Left} {Top}V{Height - Bottom}H{Width - Right}" fill="none" stroke="#444"/>
            <text x="{(Left + Width - Right) / 2}" y="{Height - 14}" text-anchor="middle">step</text>
            <text transform="translate(18 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">loss, nats a token</text>

            """);
    }

    /// <summary>Where a step lies.</summary>
    public double X(double step) => Left + (Width - Left - Right) * step / _last;

    /// <summary>Where a loss lies.</summary>
    public double Y(double loss) => Height - Bottom - (Height - Top - Bottom) * (loss - _low) / (_high - _low);

    /// <summary>A line through points; those that are not finite are left out.</summary>
    public void Line(IEnumerable<(double Step, double Loss)> points, string colour, double width)
    {
        var path = string.Join(' ', points.Where(p => double.IsFinite(p.Loss)).Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.Step):F1},{Y(p.Loss):F1}")));
        if (path.Length > 0)
            Append($"<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>\n");
    }

    /// <summary>A dot for every point that is finite.</summary>
    public void Dots(IEnumerable<(int Step, double Loss)> points, string colour)
    {
        foreach (var (step, loss) in points.Where(p => double.IsFinite(p.Loss)))
            Append($"<circle cx=\"{X(step):F1}\" cy=\"{Y(loss):F1}\" r=\"4\" fill=\"{colour}\"/>\n");
    }

    /// <summary>SVG in pixels of the picture.</summary>
    public void Append(FormattableString svg) => _svg.Append(svg.ToString(CultureInfo.InvariantCulture));

    /// <summary>The whole picture.</summary>
    public string End() => _svg.Append("</svg>\n").ToString();

    /// <summary>Mean of the last tenth of the steps so far, at least of one and at most of 50.</summary>
    public static IEnumerable<double> RunningMean(IReadOnlyList<double> losses)
    {
        var window = Math.Clamp(losses.Count / 10, 1, 50);
        var sum = 0.0;
        for (var i = 0; i < losses.Count; i++)
        {
            sum += losses[i];
            if (i >= window)
                sum -= losses[i - window];
            yield return sum / Math.Min(i + 1, window);
        }
    }

    /// <summary>Text for SVG: no character of it is read as markup.</summary>
    public static string Escaped(string text) =>
        new string([.. text.Select(c => char.IsControl(c) ? ' ' : c)]).Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    /// <summary>Round bounds and a round distance of 1, 2 or 5 times a power of ten between about five marks.</summary>
    private static (double Low, double High, double Tick) Axis(double least, double most)
    {
        var span = Math.Max(most - least, Math.Max(Math.Abs(most), 1) * 1e-3);
        var power = Math.Pow(10, Math.Floor(Math.Log10(span / 5)));
        var tick = new[] { 1, 2, 5, 10 }.Select(f => f * power).First(t => t >= span / 5 * 0.999);
        var low = Math.Floor(least / tick) * tick;
        var high = Math.Ceiling(most / tick) * tick;
        return (low, high > low ? high : low + tick, tick);
    }
}
