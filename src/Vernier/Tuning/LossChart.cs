using System.Globalization;
using System.Text;

namespace Vernier.Tuning;

/// <summary>The loss over the steps as a picture: SVG, a thin line for every step's loss, a strong one for its running mean, dots for the validation loss.</summary>
public static class LossChart
{
    private const int Width = 800, Height = 450, Left = 70, Right = 20, Top = 50, Bottom = 55;

    /// <param name="losses">Loss of steps 1, 2, ...</param>
    /// <param name="evals">Validation loss after so many steps.</param>
    /// <param name="parts">Where another run begins, after so many steps, and its name; the running mean starts anew there.</param>
    public static string Svg(string title, IReadOnlyList<double> losses, IReadOnlyList<(int Step, double Loss)> evals, IReadOnlyList<(int Step, string Name)>? parts = null)
    {
        parts ??= [];
        var all = losses.Concat(evals.Select(e => e.Loss)).Where(double.IsFinite).DefaultIfEmpty(0).ToArray();
        var (low, high, tick) = Axis(all.Min(), all.Max());
        var last = Math.Max(1, Math.Max(losses.Count, evals.Select(e => e.Step).DefaultIfEmpty(0).Max()));
        double X(double step) => Left + (Width - Left - Right) * step / last;
        double Y(double loss) => Height - Bottom - (Height - Top - Bottom) * (loss - low) / (high - low);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="13">
            <rect width="{Width}" height="{Height}" fill="white"/>
            <text x="{Left}" y="28" font-size="17">{Escaped(title)}</text>

            """);
        for (var value = low; value <= high + tick / 2; value += tick)
            svg.Append(CultureInfo.InvariantCulture, $"""
                <line x1="{Left}" y1="{Y(value):F1}" x2="{Width - Right}" y2="{Y(value):F1}" stroke="#ddd"/><text x="{Left - 8}" y="{Y(value) + 4:F1}" text-anchor="end">{value.ToString("0.####", CultureInfo.InvariantCulture)}</text>

                """);
        var (_, _, stepTick) = Axis(0, last);
        stepTick = Math.Max(1, Math.Round(stepTick));
        for (var step = 0.0; step <= last; step += stepTick)
            svg.Append(CultureInfo.InvariantCulture, $"""
                <line x1="{X(step):F1}" y1="{Height - Bottom}" x2="{X(step):F1}" y2="{Height - Bottom + 5}" stroke="#444"/><text x="{X(step):F1}" y="{Height - Bottom + 20}" text-anchor="middle">{step:F0}</text>

                """);
        svg.Append(CultureInfo.InvariantCulture, $"""
            <path d="M{Left} {Top}V{Height - Bottom}H{Width - Right}" fill="none" stroke="#444"/>
            <text x="{(Left + Width - Right) / 2}" y="{Height - 14}" text-anchor="middle">step</text>
            <text transform="translate(18 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">loss, nats a token</text>

            """);
        Line(svg, losses.Select((loss, i) => (X(i + 1), Y(loss))), "#9ec5e8", 1);
        int[] bounds = [0, .. parts.Select(part => part.Step).Where(step => step > 0 && step < losses.Count), losses.Count];
        foreach (var (from, to) in bounds.Zip(bounds[1..]))
            Line(svg, RunningMean([.. losses.Skip(from).Take(to - from)]).Select((loss, i) => (X(from + i + 1), Y(loss))), "#1f6fb4", 2);
        foreach (var (step, name) in parts)
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{X(step):F1} {Top}V{Height - Bottom}\" stroke=\"#888\" stroke-dasharray=\"4 4\"/><text x=\"{X(step) + 6:F1}\" y=\"{Top + 14}\" fill=\"#555\">{Escaped(name)}</text>\n");
        Line(svg, evals.Select(e => (X(e.Step), Y(e.Loss))), "#d2691e", 1.5);
        foreach (var (step, loss) in evals.Where(e => double.IsFinite(e.Loss)))
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(step):F1}\" cy=\"{Y(loss):F1}\" r=\"4\" fill=\"#d2691e\"/>\n");
        Legend(svg, evals.Count > 0);
        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Beside the title, where no curve and no part's name comes.</summary>
    private static void Legend(StringBuilder svg, bool withEval)
    {
        const int X = Width - Right - 110;
        svg.Append(CultureInfo.InvariantCulture, $"<path d=\"M{X - 30} 24h24\" stroke=\"#1f6fb4\" stroke-width=\"2\"/><text x=\"{X}\" y=\"28\">training (mean)</text>\n");
        if (withEval)
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X - 128}\" cy=\"24\" r=\"4\" fill=\"#d2691e\"/><text x=\"{X - 114}\" y=\"28\">validation</text>\n");
    }

    private static void Line(StringBuilder svg, IEnumerable<(double X, double Y)> points, string colour, double width)
    {
        var path = string.Join(' ', points.Where(p => double.IsFinite(p.Y)).Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.X:F1},{p.Y:F1}")));
        if (path.Length > 0)
            svg.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>\n");
    }

    /// <summary>Mean of the last tenth of the steps so far, at least of one and at most of 50.</summary>
    private static IEnumerable<double> RunningMean(IReadOnlyList<double> losses)
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

    private static string Escaped(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
}
