using System.Diagnostics;

namespace Vernier.Drills;

/// <summary>Small file systems that fill up at random places.</summary>
internal static class DiskDrill
{
    public static IEnumerable<string> Run(DrillRun drill)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
        {
            drill.Summary = "Left out: only root can mount a small file system.";
            yield break;
        }
        DrillModel.WriteAll(drill);
        var works = KillDrill.Prepare(drill);
        var full = 0;
        for (var turn = 0; drill.Done < drill.Count; turn++)
        {
            var (work, expected, _) = works[turn % works.Count];
            var disk = drill.At("disk");
            Directory.CreateDirectory(disk);
            // A run writes several times what it leaves: checkpoints, and new files beside old ones.
            var need = Directory.Exists(work.Output(drill.At($"whole {work.Name}")))
                ? Directory.EnumerateFiles(work.Output(drill.At($"whole {work.Name}")), "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length)
                : new FileInfo(work.Output(drill.At($"whole {work.Name}"))).Length;
            Mount($"-o size={Math.Max(8, (long)(need * (0.02 + 1.1 * drill.Random.NextDouble())) / 1024)}k", "-t", "tmpfs", "tmpfs", disk);
            try
            {
                foreach (var failure in Once(work, Path.Combine(disk, "out"), expected, ref full))
                    yield return $"{work.Name}, turn {turn}: {failure}";
            }
            finally
            {
                Command("umount", disk);
            }
            drill.Done++;
        }
        drill.Summary = $"{full} of the disks were too small.";
    }

    private static List<string> Once(Work work, string path, SortedDictionary<string, string> expected, ref int full)
    {
        var failures = new List<string>();
        var output = work.Output(path);
        var (code, error, _) = VernierProcess.Run(work.Arguments(path));
        if (code != 0)
        {
            full++;
            var lines = error.Split('\n').Where(l => l.StartsWith("vernier: ", StringComparison.Ordinal)).ToList();
            if (code != 1 || lines.Count == 0 || error.Contains("   at ", StringComparison.Ordinal))
                failures.Add($"exit code {code} on a full disk: {error}");
            if (!work.Resumes && Path.Exists(output))
                failures.Add("something is there that could not be written whole");
            Mount("-o remount,size=256m", Path.GetDirectoryName(path)!);
            (code, error, _) = VernierProcess.Run(work.Again(path));
            if (code != 0)
                failures.Add($"exit code {code} with room enough: {error}");
        }
        if (Outcome.Difference(expected, Outcome.Of(output)) is { } difference)
            failures.Add($"in the end {difference}");
        return failures;
    }

    private static void Mount(string options, params string[] more) => Command("mount", [.. options.Split(' '), .. more]);

    private static void Command(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
    }
}
