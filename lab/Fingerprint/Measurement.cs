using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Fingerprint.Inputs;

namespace Vernier.Fingerprint;

/// <summary>Does all runs with a program and collects the hashes of what they leave.</summary>
internal sealed class Measurement(string program, string folder)
{
    private const int TracksOfAProcess = 8;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

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
        var batches = Tier.All.SelectMany(tier => Runs.All(tier).Where(track => only is null || only.IsMatch($"{tier.Name}/{track.Name}")).Chunk(TracksOfAProcess).Select(tracks => (tier, tracks))).ToList();
        foreach (var tier in Tier.All)
            Directory.CreateDirectory(Path.Combine(folder, tier.Name));
        Parallel.ForEach(batches.Index(), new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, batch => Do(batch.Index, batch.Item.tier, batch.Item.tracks));
    }

    private void Do(int batch, Tier tier, Track[] tracks)
    {
        var here = Path.Combine(folder, tier.Name);
        foreach (var track in tracks)
            Directory.CreateDirectory(Path.Combine(here, track.Name));
        var jobs = tracks.SelectMany(t => t.Jobs.Select(job => (Track: t.Name, Job: job))).ToList();
        var (list, codes) = (Path.Combine(folder, $"jobs-{batch}"), Path.Combine(folder, $"codes-{batch}"));
        File.WriteAllLines(list, jobs.Select(j => JsonSerializer.Serialize((string[])[.. j.Job.Arguments, "--threads", $"{tier.Threads}"])));
        Call(tier, here, list, codes);
        var found = File.ReadAllLines(codes);
        lock (_hashes)
            foreach (var (i, (track, job)) in jobs.Index())
                Take(tier.Name, track, job, i < found.Length ? found[i] : "none", here);
    }

    private void Take(string tier, string track, Job job, string code, string here)
    {
        if (code != "0")
            _hashes.Add($"{tier}/{track}/{job.Name}", $"exit-{code}");
        foreach (var (file, hash) in Results.Of(Path.Combine(here, track), job.Name).Where(r => track.StartsWith("source-", StringComparison.Ordinal) || !r.Name.Contains("/tokenizer", StringComparison.Ordinal)))
            _hashes.Add($"{tier}/{track}/{file}", hash);
        if (code == "none")
            Console.WriteLine($"{tier}/{track}/{job.Name}: the process ended before it: {string.Join(' ', job.Arguments)}");
    }

    private void Call(Tier tier, string here, string list, string codes)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Measurement).Assembly.Location, "host", program, list, codes]) { WorkingDirectory = here, RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("DOTNET_Enable", StringComparison.Ordinal) || k.StartsWith("VERNIER_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        if (tier.Switch is { } variable)
            start.Environment[variable] = "0";
        using var process = Process.Start(start) ?? throw new InvalidOperationException("dotnet cannot be started");
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(s_limit))
        {
            process.Kill();
            throw new InvalidOperationException($"the jobs of {list} did not end within {s_limit.TotalMinutes} minutes");
        }
        _ = output.Result;
        if (process.ExitCode != 0)
            Console.WriteLine($"{tier.Name}: a process ended with {process.ExitCode}: {error.Result.Trim().Split('\n')[^1]}");
    }
}
