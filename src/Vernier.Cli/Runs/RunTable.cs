using System.Globalization;
using Vernier.Cli.Terminal;
using Vernier.Inspection;

namespace Vernier.Cli.Runs;

/// <summary>Runs and models side by side: what was trained, what it took, the validation loss before and after.</summary>
internal static class RunTable
{
    // The first to go where the terminal is narrow stand first; the run's name, before and after always stay.
    private static readonly string[] s_dispensable = ["steps", "train loss", "bytes", "lr", "peak MB", "trained", "time", "method"];

    /// <summary>Prints the table; the lowest loss after tuning is strong. Figures that all runs share are told in one line instead of a column.</summary>
    public static void Write(string title, IReadOnlyList<(string Name, RunSummary Run)> runs)
    {
        var columns = Columns(runs);
        var shared = columns.Where(c => c.Heading is not ("run" or "before" or "after") && c.Cells.Length > 1 && c.Cells.All(cell => cell == c.Cells[0])).ToList();
        columns = [.. columns.Except(shared)];
        var table = Table(title, columns, runs);
        foreach (var heading in s_dispensable.TakeWhile(_ => !table.Fits))
        {
            columns = [.. columns.Where(c => c.Heading != heading)];
            table = Table(title, columns, runs);
        }
        table.Write();
        var told = shared.Where(c => c.Cells[0].Length > 0).Select(c => $"{c.Heading} {c.Cells[0]}").ToList();
        if (told.Count > 0)
            Console.Out.WriteLine($"all: {string.Join(", ", told)}");
        foreach (var (name, run) in runs.Where(r => r.Run.Error is not null))
            Console.Out.WriteLine($"{name}: {run.Error}");
    }

    private static TextTable Table(string title, IReadOnlyList<(string Heading, string[] Cells)> columns, IReadOnlyList<(string Name, RunSummary Run)> runs)
    {
        var best = runs.Min(r => r.Run.FinalEval);
        var table = new TextTable(title, [.. columns.Select(c => c.Heading)]);
        foreach (var (i, (_, run)) in runs.Index())
            table.Add([.. columns.Select(c => (c.Cells[i], c.Heading == "after" && run.FinalEval is { } after && after == best))]);
        return table;
    }

    private static List<(string Heading, string[] Cells)> Columns(IReadOnlyList<(string Name, RunSummary Run)> runs)
    {
        (string, string[]) Column(string heading, Func<RunSummary, string?> cell) => (heading, [.. runs.Select(r => cell(r.Run) ?? "")]);
        return
        [
            ("run", [.. runs.Select(r => r.Run.Status is "finished" or "model" ? r.Name : $"{r.Name} ({r.Run.Status})")]),
            Column("method", run => run.Method),
            Column("lr", run => Text(run.LearningRate, "0.##e-0")),
            Column("trained", run => Text(run.TrainableParameters, "N0")),
            Column("bytes", run => Text(run.Bytes, "N0")),
            Column("steps", run => Text(run.Steps, "0")),
            Column("time", run => run.Seconds is { } seconds ? ProgressLine.Length(TimeSpan.FromSeconds(seconds)) : ""),
            Column("peak MB", run => Text(run.PeakResidentMegabytes, "0")),
            Column("train loss", run => Text(run.TrainLoss, "0.0000")),
            Column("before", run => Text(run.InitialEval, "0.0000")),
            Column("after", run => Text(run.FinalEval, "0.0000")),
        ];
    }

    /// <summary>The shortest names that tell the paths apart: their last part, or the whole path where two are alike.</summary>
    public static IReadOnlyList<(string Name, RunSummary Run)> Named(IReadOnlyList<RunSummary> runs)
    {
        var last = runs.Select(run => Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Path))).ToList();
        return [.. runs.Select((run, i) => (last.Count(name => name == last[i]) == 1 && last[i].Length > 0 ? last[i] : run.Path, run))];
    }

    private static string Text(IFormattable? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
