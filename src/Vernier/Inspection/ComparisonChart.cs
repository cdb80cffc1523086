using Vernier.Cards;

namespace Vernier.Inspection;

/// <summary>The losses of several runs in one picture: SVG, a line for the running mean of each run's training loss, dots for its validation loss.</summary>
internal static class ComparisonChart
{
    private const int LegendLine = 18;
    private const int LegendWidth = 220;

    // Okabe and Ito's palette: told apart with every kind of colour vision.
    private static readonly string[] s_colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999933"];

    /// <param name="runs">Their names and figures; those without losses (models) are not drawn.</param>
    public static string Svg(string title, IReadOnlyList<(string Name, RunSummary Run)> runs)
    {
        var drawn = runs.Where(r => r.Run.Losses.Count > 0 || r.Run.Evals.Count > 0).ToList();
        var means = drawn.Select(r => ChartCanvas.RunningMean(r.Run.Losses).ToList()).ToList();
        var evals = drawn.SelectMany(r => r.Run.Evals);
        var chart = new ChartCanvas(title, means.SelectMany(m => m).Concat(evals.Select(e => e.Loss)),
            Math.Max(means.Select(m => m.Count).DefaultIfEmpty(0).Max(), evals.Select(e => e.Step).DefaultIfEmpty(0).Max()));
        foreach (var (i, run) in drawn.Index())
        {
            var colour = s_colours[i % s_colours.Length];
            chart.Line(means[i].Select((loss, step) => (step + 1.0, loss)), colour, 2);
            chart.Line(run.Run.Evals.Select(e => ((double)e.Step, e.Loss)), colour, 1);
            chart.Dots(run.Run.Evals, colour);
        }
        Legend(chart, drawn);
        return chart.End();
    }

    /// <summary>On a ground of its own, over the curves.</summary>
    private static void Legend(ChartCanvas chart, List<(string Name, RunSummary Run)> drawn)
    {
        const int X = ChartCanvas.Width - ChartCanvas.Right - LegendWidth;
        chart.Append($"<rect x=\"{X - 8}\" y=\"{ChartCanvas.Top - 2}\" width=\"{LegendWidth + 8}\" height=\"{LegendLine * (drawn.Count + 1) + 6}\" fill=\"white\" fill-opacity=\"0.85\"/>\n");
        foreach (var (i, run) in drawn.Index())
        {
            var (x, y, colour) = (X, ChartCanvas.Top + 14 + LegendLine * i, s_colours[i % s_colours.Length]);
            chart.Append($"<path d=\"M{x} {y - 4}h24\" stroke=\"{colour}\" stroke-width=\"3\"/><text x=\"{x + 32}\" y=\"{y}\">{ChartCanvas.Escaped(run.Name)}</text>\n");
        }
        chart.Append($"<text x=\"{X}\" y=\"{ChartCanvas.Top + 14 + LegendLine * drawn.Count}\" fill=\"#555\">lines: training, dots: validation</text>\n");
    }
}
