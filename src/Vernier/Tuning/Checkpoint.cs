using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Adapters;
using Vernier.Files.Disk;
using Vernier.Files.Safetensors;

namespace Vernier.Tuning;

/// <summary>Where a run stands, apart from its tensors; <c>state.json</c> of a checkpoint.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the planned schedule.</param>
/// <param name="LogBytes">Length of the log when it was saved.</param>
/// <param name="InitialEval">Validation loss before the first step.</param>
/// <param name="Identity">What the run's losses depend on.</param>
/// <param name="Unlogged">The last step, where it still has to be measured and logged.</param>
/// <param name="Files">SHA-256 of the files of tensors, by name; null in checkpoints of older versions.</param>
internal sealed record CheckpointState(int Step, int Steps, long LogBytes, double? InitialEval, SortedDictionary<string, string> Identity, UnloggedStep? Unlogged = null,
    SortedDictionary<string, string>? Files = null)
{
    /// <summary>Steps that the log held.</summary>
    [JsonIgnore]
    public int LoggedSteps => Unlogged is null ? Step : Step - 1;

    /// <summary>Validation loss of the model as it was brought, where the method rounded it before the first step.</summary>
    public double? BroughtEval { get; init; }

    /// <summary>Where the validation loss was lowest, where that is watched; its values are in the checkpoint too.</summary>
    public BestState? Best { get; init; }

    /// <summary>The run ended before its last step, since its validation loss did not fall any more.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>Nothing is left to do.</summary>
    [JsonIgnore]
    public bool IsFinished => StoppedEarly || (Step == Steps && Unlogged is null);
}

/// <summary>A folder <c>checkpoint-N</c>: <c>parameters.safetensors</c>, <c>optimizer.safetensors</c> (first and second moments), <c>state.json</c>, and <c>best.safetensors</c> (the values at the lowest validation loss) where they are watched.
/// The data's position and every random choice are functions of the step. It is written beside, flushed to the disk and renamed,
/// so a folder of that name is always whole.</summary>
internal static class Checkpoint
{
    private const int Kept = 2;
    private const string Prefix = "checkpoint-";
    private const string ParametersFile = "parameters.safetensors";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string BestFile = "best.safetensors";
    private const string StateFile = "state.json";

    private static readonly string[] s_tensors = [ParametersFile, OptimizerFile];
    private static readonly string[] s_names = [.. s_tensors, BestFile, StateFile];

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Saves the state, and removes all but the last two checkpoints.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; earlier checkpoints are untouched.</exception>
    public static void Save(string folder, AdamWOptimizer optimizer, CheckpointState state, BestValues? best = null)
    {
        var final = Path.Combine(folder, NameOf(state.Step));
        try
        {
            if (Directory.Exists(final) && !IsOurs(final))
                throw new IOException("a folder of that name is there, which is no checkpoint of Vernier");
            using var output = new ReplacingFolder(final, name => s_names.Contains(name));
            var parameters = optimizer.Parameters;
            TensorFile.Write(Path.Combine(output.Temporary, ParametersFile),
                [.. parameters.Select(p => (p.Name, p.Shape, Elements(p.Value)))]);
            TensorFile.Write(Path.Combine(output.Temporary, OptimizerFile),
                [.. parameters.Select((p, i) => (p.Name + ".m", p.Shape, Elements(optimizer.FirstMoment(i)))),
                 .. parameters.Select((p, i) => (p.Name + ".v", p.Shape, Elements(optimizer.SecondMoment(i))))]);
            string[] written = [.. s_tensors, .. state.Best is null ? (string[])[] : [BestFile]];
            if (state.Best is not null)
                best!.Save(Path.Combine(output.Temporary, BestFile));
            var whole = state with { Files = new(written.ToDictionary(name => name, name => Hash(Path.Combine(output.Temporary, name))), StringComparer.Ordinal) };
            OutputFile.WriteAllText(Path.Combine(output.Temporary, StateFile), JsonSerializer.Serialize(whole, s_json));
            output.Commit();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var last = List(folder).LastOrDefault();
            throw new IOException($"{final}: could not be saved: {e.Message}; {(last == 0 ? "there is no earlier checkpoint" : $"the last good one is {NameOf(last)}")}", e);
        }
        foreach (var old in List(folder).SkipLast(Kept))
            TryDelete(Path.Combine(folder, NameOf(old)));
    }

    /// <summary>The folder of the newest checkpoint that is whole, and its state; null where there is none.</summary>
    /// <param name="notes">Is told of damaged checkpoints that are passed over.</param>
    /// <exception cref="InvalidDataException">There are checkpoints, and all of them are damaged.</exception>
    public static (string Folder, CheckpointState State)? Latest(string folder, ICollection<string> notes)
    {
        var damaged = new List<string>();
        foreach (var step in List(folder).Reverse())
        {
            var path = Path.Combine(folder, NameOf(step));
            if (Fault(path, step, out var state) is { } fault)
            {
                damaged.Add(fault);
                continue;
            }
            foreach (var note in damaged)
                notes.Add($"{note}; the run goes on from {NameOf(step)}");
            return (path, state!);
        }
        return damaged.Count == 0 ? null : throw new InvalidDataException($"{damaged[0]}, and there is no whole checkpoint to go on from: remove it to start anew");
    }

    /// <summary>The state of the newest checkpoint whose state can be read.</summary>
    public static CheckpointState? NewestState(string folder) =>
        List(folder).Reverse().Select(step => ReadState(Path.Combine(folder, NameOf(step)))).FirstOrDefault(state => state is not null);

    /// <summary>checkpoint-N, a name that a run gives.</summary>
    public static bool IsName(string name) => StepOf(name) >= 0;

    /// <summary>Vernier wrote it: it has a state of ours, or, where that is damaged, both files of tensors.</summary>
    public static bool IsOurs(string path) => ReadState(path) is not null || s_tensors.All(name => File.Exists(Path.Combine(path, name)));

    /// <summary>Puts a checkpoint's tensors into the parameters and the optimizer.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape.</exception>
    public static void Load(string checkpoint, AdamWOptimizer optimizer, CheckpointState state, BestValues? best = null)
    {
        using var parameters = SafetensorsFile.Open(Path.Combine(checkpoint, ParametersFile));
        using var moments = SafetensorsFile.Open(Path.Combine(checkpoint, OptimizerFile));
        for (var i = 0; i < optimizer.Parameters.Count; i++)
        {
            var p = optimizer.Parameters[i];
            TensorFile.Read(parameters, p.Name, p.Shape, p.Value);
            TensorFile.Read(moments, p.Name + ".m", p.Shape, optimizer.FirstMoment(i));
            TensorFile.Read(moments, p.Name + ".v", p.Shape, optimizer.SecondMoment(i));
        }
        optimizer.GoOnAfter(state.Step);
        if (state.Best is { } lowest)
            best?.Load(Path.Combine(checkpoint, BestFile), lowest);
    }

    /// <summary>Removes the checkpoint of a step, where there is one.</summary>
    public static void Remove(string folder, int step)
    {
        var path = Path.Combine(folder, NameOf(step));
        if (Directory.Exists(path) && IsOurs(path))
            Unfinished.Delete(path);
    }

    /// <summary>Removes all checkpoints that Vernier wrote.</summary>
    public static void RemoveAll(string folder)
    {
        foreach (var step in List(folder).ToList())
            Remove(folder, step);
    }

    /// <summary>Steps that have a checkpoint of ours, ascending.</summary>
    private static IEnumerable<int> List(string folder) => !Directory.Exists(folder) ? [] :
        Directory.EnumerateDirectories(folder, Prefix + "*").Where(path => StepOf(Path.GetFileName(path)) >= 0 && IsOurs(path)).Select(path => StepOf(Path.GetFileName(path))).Order();

    private static string NameOf(int step) => Prefix + step.ToString(CultureInfo.InvariantCulture);

    /// <summary>-1 for another name.</summary>
    private static int StepOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && int.TryParse(name[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step) && NameOf(step) == name ? step : -1;

    /// <summary>What is wrong with a checkpoint; null where it is whole.</summary>
    private static string? Fault(string checkpoint, int step, out CheckpointState? state)
    {
        state = ReadState(checkpoint);
        if (state is null)
            return $"{Path.Combine(checkpoint, StateFile)}: damaged or missing";
        if (state.Step != step)
            return $"{Path.Combine(checkpoint, StateFile)}: found step {state.Step}, expected {step}";
        foreach (var name in state.Best is null ? s_tensors : [.. s_tensors, BestFile])
            if (FaultOfTensors(Path.Combine(checkpoint, name), state.Files?.GetValueOrDefault(name)) is { } fault)
                return fault;
        return null;
    }

    private static string? FaultOfTensors(string path, string? hash)
    {
        try
        {
            SafetensorsFile.Open(path).Dispose();
            return hash is null || Hash(path) == hash ? null : $"{path}: damaged: its SHA-256 is not the one in {StateFile}";
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
        catch (IOException e)
        {
            return $"{path}: {e.Message}";
        }
    }

    private static string Hash(string path)
    {
        using var file = InputFile.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    private static CheckpointState? ReadState(string checkpoint)
    {
        try
        {
            var state = JsonSerializer.Deserialize<CheckpointState>(InputFile.ReadAllBytes(Path.Combine(checkpoint, StateFile)), s_json);
            return state is { Step: > 0, Steps: > 0, LogBytes: >= 0, Identity: not null } ? state : null;
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidDataException)
        {
            return null;
        }
    }

    private static Func<long, int, ReadOnlySpan<float>> Elements(Kernels.NativeBuffer<float> buffer) => (at, length) => buffer.Slice(at, length);

    private static void TryDelete(string folder)
    {
        try
        {
            Unfinished.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it: unfinished folders are ignored, and old ones are removed after the next checkpoint.
        }
    }
}
