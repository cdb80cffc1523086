using Vernier.Files.Disk;

namespace Vernier.Tuning;

/// <summary>The folder of a run while it is written: locked, free of what earlier runs left unfinished, and holding nothing under the names of a run that no run wrote.</summary>
internal sealed class RunFolder : IDisposable
{
    public const string ConfigFile = "config.yaml";
    public const string ChartFile = "loss.svg";
    public const string CardFile = "README.md";
    public const string ResultFile = "result.json";

    private static readonly string[] s_files = [ConfigFile, TuneLog.FileName, ChartFile, CardFile, ResultFile, "adapter_config.json", "vernier.json", "adapter_model.safetensors"];

    private readonly bool _made;
    private readonly RunLock _lock;

    private RunFolder(string path, bool made, RunLock taken) => (Path, _made, _lock) = (path, made, taken);

    public string Path { get; }

    /// <summary>Takes the folder for a run; it is made where it is missing.</summary>
    /// <param name="resume">Go on with the run in it.</param>
    /// <param name="replace">A run that is there may be replaced.</param>
    /// <exception cref="IOException">Another run writes it; it holds a run and neither was asked for; or it holds things that no run of Vernier wrote.</exception>
    public static RunFolder Open(string path, bool resume, bool replace)
    {
        if (File.Exists(path))
            throw new IOException($"{path}: is a file, and a folder is to be written");
        var made = !Directory.Exists(path);
        Directory.CreateDirectory(path);
        var folder = new RunFolder(path, made, RunLock.Take(path));
        try
        {
            Unfinished.RemoveLeftoversIn(path, name => s_files.Contains(name) || Checkpoint.IsName(name));
            folder.RequireOurs();
            if (!resume && !replace)
                folder.RequireFree();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Whether a run that has ended is there, with its adapter.</summary>
    public static bool HoldsFinishedRun(string path) =>
        Directory.Exists(path) && File.Exists(In(path, "adapter_model.safetensors")) && (Checkpoint.NewestState(path) is { } state ? state.IsFinished : IsRun(path));

    public void Dispose()
    {
        _lock.Dispose();
        if (!_made)
            return;
        try
        {
            if (!Directory.EnumerateFileSystemEntries(Path).Any())
                Directory.Delete(Path); // refused before anything was written
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // An empty folder stays.
        }
    }

    /// <summary>What has a name that a run writes must be a run's.</summary>
    private void RequireOurs()
    {
        foreach (var checkpoint in Directory.EnumerateDirectories(Path).Where(d => Checkpoint.IsName(System.IO.Path.GetFileName(d))).Order(StringComparer.Ordinal))
            if (!Checkpoint.IsOurs(checkpoint))
                throw Foreign(checkpoint, "a checkpoint of another tool (it has no state.json of Vernier)");
        var run = IsRun(Path);
        foreach (var name in s_files.Where(name => Exists(name)))
            if (!run)
                throw Foreign(In(Path, name), "not of a run of Vernier");
        if (Exists(CardFile) && !IsCard(In(Path, CardFile)))
            throw Foreign(In(Path, CardFile), "not the card of a run");
    }

    private void RequireFree()
    {
        if (Checkpoint.NewestState(Path) is { IsFinished: false } state)
            throw new IOException($"{Path}: holds a run that ended after step {state.Step} of {state.Steps}: resume it, remove the folder, give another one, or replace it (--force)");
        if (HoldsFinishedRun(Path))
            throw new IOException($"{Path}: holds a finished run: give another folder, or replace it (--force)");
    }

    /// <summary>A run wrote its checkpoints here, or at least its resolved options, which name everything.</summary>
    private static bool IsRun(string path)
    {
        if (Directory.EnumerateDirectories(path).Any(d => Checkpoint.IsName(System.IO.Path.GetFileName(d)) && Checkpoint.IsOurs(d)))
            return true;
        try
        {
            return File.Exists(In(path, ConfigFile)) && RunFile.Load(In(path, ConfigFile)).Set is var set && ((string[])["method", "granularity", "steps", "lr", "batch", "seed"]).All(set.Contains);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsCard(string path)
    {
        try
        {
            return InputFile.ReadAllText(path).Contains("vernier", StringComparison.OrdinalIgnoreCase);
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private bool Exists(string name) => System.IO.Path.Exists(In(Path, name));

    private static string In(string folder, string name) => System.IO.Path.Combine(folder, name);

    private IOException Foreign(string path, string what) => new($"{path}: is {what}, and the run in {Path} would overwrite or remove it: give another folder, or move it away");
}
