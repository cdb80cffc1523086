using System.Globalization;
using Vernier.Cli.Terminal;
using Vernier.Inspection;

namespace Vernier.Cli;

/// <summary>Runs and models side by side: what was trained, what it took, the validation loss before and after.</summary>
internal static class RunTable
{
    /// <summary>Prints the table; the lowest loss after tuning is strong.</summary>
    public static void Write(string title, IReadOnlyList<(string Name, RunSummary Run)> runs)
    {
        var table = new TextTable(title, ["run", "method", "lr", "trained", "bytes", "steps", "time", "peak MB", "train loss", "before", "after"]);
        var best = runs.Min(r => r.Run.FinalEval);
        foreach (var (name, run) in runs)
            table.Add(
                (run.Status is "finished" or "model" ? name : $"{name} ({run.Status})", false),
                (run.Method ?? "", false),
                (Text(run.LearningRate, "0.##e-0"), false),
                (Text(run.TrainableParameters, "N0"), false),
                (Text(run.Bytes, "N0"), false),
                (Text(run.Steps, "0"), false),
                (run.Seconds is { } seconds ? ProgressLine.Length(TimeSpan.FromSeconds(seconds)) : "", false),
                (Text(run.PeakResidentMegabytes, "0"), false),
                (Text(run.TrainLoss, "0.0000"), false),
                (Text(run.InitialEval, "0.0000"), false),
                (Text(run.FinalEval, "0.0000"), run.FinalEval is { } after && after == best));
        table.Write();
        foreach (var (name, run) in runs.Where(r => r.Run.Error is not null))
            Console.Out.WriteLine($"{name}: {run.Error}");
    }

    /// <summary>The shortest names that tell the paths apart: their last part, or the whole path where two are alike.</summary>
    public static IReadOnlyList<(string Name, RunSummary Run)> Named(IReadOnlyList<RunSummary> runs)
    {
        var last = runs.Select(run => Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Path))).ToList();
        return [.. runs.Select((run, i) => (last.Count(name => name == last[i]) == 1 && last[i].Length > 0 ? last[i] : run.Path, run))];
    }

    private static string Text(IFormattable? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
