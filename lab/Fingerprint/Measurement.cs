using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Vernier.Fingerprint.Inputs;

namespace Vernier.Fingerprint;

/// <summary>Does all runs with a program and writes the hashes of what they leave.</summary>
internal sealed class Measurement(string program, string folder)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    private readonly SortedDictionary<string, string> _hashes = new(StringComparer.Ordinal);

    public static int Run(string program, string output, string[] options)
    {
        var (only, kept) = (Option(options, "--only"), Option(options, "--keep"));
        var folder = kept is null ? Directory.CreateTempSubdirectory("vernier-fingerprint-").FullName : Directory.CreateDirectory(kept).FullName;
        var clock = Stopwatch.StartNew();
        try
        {
            InputFolder.Write(Path.Combine(folder, "inputs"));
            var measurement = new Measurement(Path.GetFullPath(program), folder);
            measurement.DoAll(only is null ? null : new Regex(only));
            File.WriteAllLines(output, measurement._hashes.Select(h => $"{h.Key} {h.Value}").Prepend($"# machine: {Tier.Machine}"), new UTF8Encoding(false));
            Console.WriteLine($"{measurement._hashes.Count} hashes in {clock.Elapsed.TotalSeconds:F0} s, {measurement._hashes.Values.Count(v => v.StartsWith("exit-", StringComparison.Ordinal))} of them of runs that were refused");
        }
        finally
        {
            if (kept is null)
                Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static string? Option(string[] options, string name) => Array.IndexOf(options, name) is >= 0 and var at && at + 1 < options.Length ? options[at + 1] : null;

    private void DoAll(Regex? only)
    {
        var tracks = Tier.All.SelectMany(tier => Runs.All(tier).Select(track => (tier, track))).Where(t => only is null || only.IsMatch($"{t.tier.Name}/{t.track.Name}")).ToList();
        foreach (var (tier, _) in tracks)
            Directory.CreateDirectory(Path.Combine(folder, tier.Name));
        Parallel.ForEach(tracks, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, t =>
        {
            foreach (var job in t.track.Jobs)
                Do(t.tier, t.track, job);
        });
    }

    private void Do(Tier tier, Track track, Job job)
    {
        var here = Path.Combine(folder, tier.Name);
        var name = $"{tier.Name}/{track.Name}/{job.Name}";
        Directory.CreateDirectory(Path.Combine(here, track.Name));
        var code = Call(tier, job.Arguments, here, out var error);
        lock (_hashes)
        {
            if (code != 0)
                _hashes.Add(name, $"exit-{code}");
            foreach (var (file, hash) in Results.Of(Path.Combine(here, track.Name), job.Name))
                _hashes.Add($"{tier.Name}/{track.Name}/{file}", hash);
        }
        if (code != 0)
            Console.WriteLine($"{name}: exit code {code}: {error.Trim().Split('\n')[^1]}");
    }

    private int Call(Tier tier, string[] arguments, string here, out string error)
    {
        var start = new ProcessStartInfo("dotnet", [program, .. arguments, "--threads", $"{tier.Threads}"]) { WorkingDirectory = here, RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("DOTNET_Enable", StringComparison.Ordinal) || k.StartsWith("VERNIER_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        if (tier.Switch is { } variable)
            start.Environment[variable] = "0";
        using var process = Process.Start(start) ?? throw new InvalidOperationException("dotnet cannot be started");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill();
            throw new InvalidOperationException($"'{string.Join(' ', arguments)}' did not end within {s_limit.TotalMinutes} minutes");
        }
        _ = output.Result;
        error = errors.Result;
        return process.ExitCode;
    }
}
