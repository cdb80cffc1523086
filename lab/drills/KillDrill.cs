namespace Vernier.Drills;

/// <summary>SIGKILL at random moments.</summary>
internal static class KillDrill
{
    private const int Kill = 9;

    public static IEnumerable<string> Run(DrillRun drill)
    {
        DrillModel.WriteAll(drill);
        var works = Prepare(drill);
        var again = 0;
        for (var turn = 0; drill.Done < drill.Count; turn++)
        {
            var (work, expected, time) = works[turn % works.Count];
            var output = work.Output(drill.At($"kill-{turn}"));
            // The same output is killed several times, until it is whole.
            for (var attempt = 0; attempt < 3 && drill.Done < drill.Count; attempt++)
            {
                using var process = VernierProcess.Start(work.Again(drill.At($"kill-{turn}")));
                Thread.Sleep(time * (0.05 + 0.9 * drill.Random.NextDouble()));
                var met = !process.HasExited; // else it was faster this time, and does not count
                process.Send(Kill);
                process.WaitForExit(Timeout.InfiniteTimeSpan);
                drill.Done += met ? 1 : 0;
                if (!work.Resumes && Outcome.Of(output) is { Count: > 0 } left && Outcome.Difference(expected, left) is { } difference)
                    yield return $"{work.Name}, turn {turn}: after a kill {difference}";
                if (File.Exists(output) || !work.Resumes && Directory.Exists(output))
                    break;
                again++;
            }
            if (Finish(drill, work, turn, output, expected) is { } failure)
                yield return failure;
        }
        drill.Summary = $"{again} outputs were begun again.";
    }

    internal static List<(Work Work, SortedDictionary<string, string> Expected, TimeSpan Time)> Prepare(DrillRun drill)
    {
        Require(VernierProcess.Run("quantize", drill.At("full"), "--bits", "4", "--group", "32", "--out", drill.At("full4")));
        var works = new List<(Work, SortedDictionary<string, string>, TimeSpan)>();
        foreach (var work in Work.Writers(drill).Where(w => drill.Only is null || w.Name.Contains(drill.Only, StringComparison.Ordinal)))
        {
            var path = drill.At($"whole {work.Name}");
            var run = VernierProcess.Run(work.Arguments(path));
            Require(run);
            works.Add((work, Outcome.Of(work.Output(path)), run.Time));
        }
        return works;
    }

    /// <summary>The next run ends in what an undisturbed one leaves, and nothing else is there.</summary>
    internal static string? Finish(DrillRun drill, Work work, int turn, string output, SortedDictionary<string, string> expected, string name = "kill")
    {
        var there = !work.Resumes && Path.Exists(output);
        if (!there)
        {
            var (code, error, _) = VernierProcess.Run(work.Again(drill.At($"{name}-{turn}")));
            if (code != 0)
                return $"{work.Name}, turn {turn}: the next run ended with {code}: {error.Trim()}";
        }
        if (Outcome.Difference(expected, Outcome.Of(output)) is { } difference)
            return $"{work.Name}, turn {turn}: after the next run {difference}";
        var rest = Directory.EnumerateFileSystemEntries(drill.Folder, $"*{name}-{turn}*").Where(p => p != output).ToList();
        if (rest.Count > 0 && !there)
            return $"{work.Name}, turn {turn}: left behind: {string.Join(", ", rest.Select(Path.GetFileName))}";
        if (File.Exists(output))
            File.Delete(output);
        else
            Directory.Delete(output, recursive: true);
        foreach (var path in rest)
            if (File.Exists(path))
                File.Delete(path);
            else
                Directory.Delete(path, recursive: true);
        return null;
    }

    private static void Require((int Code, string Error, TimeSpan Time) run)
    {
        if (run.Code != 0)
            throw new InvalidOperationException($"the undisturbed run ended with {run.Code}: {run.Error}");
    }
}
