using System.Diagnostics;
using System.Security.Cryptography;
using Vernier.Drills;

namespace Vernier.Fuzz;

/// <summary>Feeds a target with mutated inputs and keeps those that reach something new, to be mutated in turn.</summary>
internal sealed class FuzzSession(FuzzTarget target, string corpus, bool save)
{
    private const int LargestInput = 1 << 20;
    private const int MostFaults = 5;

    private static readonly TimeSpan s_slowest = TimeSpan.FromSeconds(10);

    private readonly List<byte[]> _pool = [];
    private readonly BranchCounts _branches = new();
    private readonly Random _random = new(1);
    private readonly Stopwatch _input = Stopwatch.StartNew();
    private readonly HashSet<string> _faults = [];
    private readonly string _folder = Directory.CreateTempSubdirectory($"vernier-fuzz-{target.Name}-").FullName;

    private string InputPath => Path.Combine(_folder, target.FileName);

    /// <param name="most">Inputs to end after: the same ones on every machine.</param>
    /// <returns>The process's exit code: 1 when something was found. A crash or a hang leaves its input behind, whose path is the first line printed.</returns>
    public int Run(TimeSpan time, long most = long.MaxValue)
    {
        Console.WriteLine($"{target.Name}: the input at work lies at {InputPath}");
        using var watch = new Timer(_ => EndWhenSlow(), null, 1000, 1000);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(corpus, target.Name)).Order(StringComparer.Ordinal))
            Try(File.ReadAllBytes(file), isSeed: true);
        if (_pool.Count == 0)
            throw new InvalidOperationException($"{target.Name}: the corpus is empty");
        var seeds = _pool.Count;
        var mutator = new Mutator(_random);
        var (clock, inputs) = (Stopwatch.StartNew(), 0L);
        for (; clock.Elapsed < time && inputs < most && _faults.Count < MostFaults; inputs++)
            Try(Mutated(mutator), isSeed: false);
        Console.WriteLine($"{target.Name}: {inputs} inputs in {clock.Elapsed.TotalSeconds:F0} s, {seeds} of the corpus, {_pool.Count - seeds} more that reached something new, {_branches.Reached} branches, {_faults.Count} faults");
        if (_faults.Count == 0)
            Directory.Delete(_folder, recursive: true);
        return _faults.Count == 0 ? 0 : 1;
    }

    /// <summary>Deletes inputs that reach nothing which smaller ones do not.</summary>
    public void Minimize()
    {
        var files = Directory.EnumerateFiles(Path.Combine(corpus, target.Name)).OrderBy(f => new FileInfo(f).Length).ToList();
        foreach (var file in files)
        {
            var before = _pool.Count;
            Try(File.ReadAllBytes(file), isSeed: false);
            if (_pool.Count == before)
                File.Delete(file);
        }
        Console.WriteLine($"{target.Name}: {_pool.Count} of {files.Count} inputs reach all of the {_branches.Reached} branches");
        Directory.Delete(_folder, recursive: true);
    }

    private byte[] Mutated(Mutator mutator)
    {
        // half of the time one of the newest
        var from = _random.Next(2) == 0 ? _random.Next(_pool.Count) : _pool.Count - 1 - _random.Next(Math.Min(_pool.Count, 16));
        var good = _pool[from];
        if (_random.Next(8) == 0)
            good = Crossed(good, _pool[_random.Next(_pool.Count)]);
        var bad = target.IsText ? mutator.Text(good) : mutator.Bytes(good);
        return bad.Length <= LargestInput ? bad : bad[..LargestInput];
    }

    private byte[] Crossed(byte[] a, byte[] b) => [.. a.AsSpan(0, _random.Next(a.Length + 1)), .. b.AsSpan(_random.Next(b.Length + 1))];

    private void Try(byte[] input, bool isSeed)
    {
        File.WriteAllBytes(InputPath, input);
        _input.Restart();
        BranchCounts.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            target.Read(InputPath);
        }
        catch (Exception e) when (FuzzTarget.IsRefusal(e))
        {
        }
        catch (Exception e)
        {
            Report($"{e.GetType().Name} at {Place(e)}", e.ToString());
        }
        if (GC.GetAllocatedBytesForCurrentThread() - before is var bytes && bytes > target.MostBytes)
            Report("memory", $"{bytes >> 20} MB for an input of {input.Length} bytes, at most {target.MostBytes >> 20} MB are allowed");
        if (!_branches.TakeNew() && !isSeed)
            return;
        _pool.Add(input);
        if (save && !isSeed)
            File.WriteAllBytes(Path.Combine(corpus, target.Name, Convert.ToHexStringLower(SHA256.HashData(input))[..16]), input);
    }

    private void Report(string kind, string what)
    {
        if (!_faults.Add(kind))
            return;
        var kept = Path.Combine(_folder, $"fault-{_faults.Count}");
        File.Copy(InputPath, kept, overwrite: true);
        Console.WriteLine($"FAULT {target.Name}, kept as {kept}: {what}");
    }

    private static string Place(Exception exception) => new StackTrace(exception).GetFrame(0)?.GetMethod() is { } method ? $"{method.DeclaringType}.{method.Name}" : "?";

    private void EndWhenSlow()
    {
        if (_input.Elapsed < s_slowest)
            return;
        Console.WriteLine($"FAULT {target.Name}: {InputPath} is still being read after {_input.Elapsed.TotalSeconds:F0} s");
        Environment.Exit(1);
    }
}
