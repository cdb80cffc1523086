using Vernier.Cards;
using static Vernier.Cards.ChartCanvas;

namespace Vernier.Tuning;

/// <summary>The loss over the steps as a picture: SVG, a thin line for every step's loss, a strong one for its running mean, dots for the validation loss.</summary>
internal static class LossChart
{
    /// <param name="losses">Loss of steps 1, 2, ...</param>
    /// <param name="evals">Validation loss after so many steps.</param>
    /// <param name="parts">Where another run begins, after so many steps, and its name; the running mean starts anew there.</param>
    public static string Svg(string title, IReadOnlyList<double> losses, IReadOnlyList<(int Step, double Loss)> evals, IReadOnlyList<(int Step, string Name)>? parts = null)
    {
        parts ??= [];
        var chart = new ChartCanvas(title, losses.Concat(evals.Select(e => e.Loss)), Math.Max(losses.Count, evals.Select(e => e.Step).DefaultIfEmpty(0).Max()));
        chart.Line(losses.Select((loss, i) => (i + 1.0, loss)), "#9ec5e8", 1);
        int[] bounds = [0, .. parts.Select(part => part.Step).Where(step => step > 0 && step < losses.Count), losses.Count];
        foreach (var (from, to) in bounds.Zip(bounds[1..]))
            chart.Line(RunningMean([.. losses.Skip(from).Take(to - from)]).Select((loss, i) => (from + i + 1.0, loss)), "#1f6fb4", 2);
        foreach (var (step, name) in parts)
            chart.Append($"<path d=\"M{chart.X(step):F1} {Top}V{Height - Bottom}\" stroke=\"#888\" stroke-dasharray=\"4 4\"/><text x=\"{chart.X(step) + 6:F1}\" y=\"{Top + 14}\" fill=\"#555\">{Escaped(name)}</text>\n");
        chart.Line(evals.Select(e => ((double)e.Step, e.Loss)), "#d2691e", 1.5);
        chart.Dots(evals, "#d2691e");
        Legend(chart, evals.Count > 0);
        return chart.End();
    }

    /// <summary>Beside the title, where no curve and no part's name comes.</summary>
    private static void Legend(ChartCanvas chart, bool withEval)
    {
        const int X = Width - Right - 110;
        chart.Append($"<path d=\"M{X - 30} 24h24\" stroke=\"#1f6fb4\" stroke-width=\"2\"/><text x=\"{X}\" y=\"28\">training (mean)</text>\n");
        if (withEval)
            chart.Append($"<circle cx=\"{X - 128}\" cy=\"24\" r=\"4\" fill=\"#d2691e\"/><text x=\"{X - 114}\" y=\"28\">validation</text>\n");
    }
}
