using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vernier.Adapters;
using Vernier.Files.Safetensors;

namespace Vernier.Tuning;

/// <summary>Where a run stands, apart from its tensors; <c>state.json</c> of a checkpoint.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps of the planned schedule.</param>
/// <param name="LogBytes">Length of the log when it was saved.</param>
/// <param name="InitialEval">Validation loss before the first step.</param>
/// <param name="Identity">What the run's losses depend on.</param>
/// <param name="Unlogged">The last step, where it still has to be measured and logged.</param>
internal sealed record CheckpointState(int Step, int Steps, long LogBytes, double? InitialEval, SortedDictionary<string, string> Identity, UnloggedStep? Unlogged = null)
{
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
    private const string Unfinished = ".partial";
    private const string ParametersFile = "parameters.safetensors";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string BestFile = "best.safetensors";
    private const string StateFile = "state.json";

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Saves the state, and removes all but the last two checkpoints.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; earlier checkpoints are untouched.</exception>
    public static void Save(string folder, AdamWOptimizer optimizer, CheckpointState state, BestValues? best = null)
    {
        var name = Prefix + state.Step.ToString(CultureInfo.InvariantCulture);
        var final = Path.Combine(folder, name);
        var partial = final + Unfinished;
        try
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
            Directory.CreateDirectory(partial);
            var parameters = optimizer.Parameters;
            TensorFile.Write(Path.Combine(partial, ParametersFile),
                [.. parameters.Select(p => (p.Name, p.Shape, Elements(p.Value)))]);
            TensorFile.Write(Path.Combine(partial, OptimizerFile),
                [.. parameters.Select((p, i) => (p.Name + ".m", p.Shape, Elements(optimizer.FirstMoment(i)))),
                 .. parameters.Select((p, i) => (p.Name + ".v", p.Shape, Elements(optimizer.SecondMoment(i))))]);
            if (state.Best is not null)
                best!.Save(Path.Combine(partial, BestFile));
            using (var file = new FileStream(Path.Combine(partial, StateFile), FileMode.Create, FileAccess.Write))
            {
                JsonSerializer.Serialize(file, state, s_json);
                file.Flush(flushToDisk: true);
            }
            if (Directory.Exists(final))
                Directory.Delete(final, recursive: true);
            Directory.Move(partial, final);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(partial);
            var last = List(folder).LastOrDefault();
            throw new IOException($"{final}: could not be saved: {e.Message}; {(last == 0 ? "there is no earlier checkpoint" : $"the last good one is {Prefix}{last}")}", e);
        }
        foreach (var old in List(folder).SkipLast(Kept))
            TryDelete(Path.Combine(folder, Prefix + old));
    }

    /// <summary>The folder of the newest checkpoint that is whole, and its state; null where there is none.</summary>
    public static (string Folder, CheckpointState State)? Latest(string folder)
    {
        foreach (var step in List(folder).Reverse())
        {
            var path = Path.Combine(folder, Prefix + step);
            if (ReadState(path) is { } state && state.Step == step && IsSafetensors(Path.Combine(path, ParametersFile)) && IsSafetensors(Path.Combine(path, OptimizerFile)))
                return (path, state);
        }
        return null;
    }

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
        optimizer.Steps = state.Step;
        if (state.Best is { } lowest)
            best?.Load(Path.Combine(checkpoint, BestFile), lowest);
    }

    /// <summary>Removes the checkpoint of a step, where there is one.</summary>
    public static void Remove(string folder, int step)
    {
        var path = Path.Combine(folder, Prefix + step.ToString(CultureInfo.InvariantCulture));
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    /// <summary>Removes all checkpoints, whole and unfinished.</summary>
    public static void RemoveAll(string folder)
    {
        foreach (var path in Directory.EnumerateDirectories(folder, Prefix + "*"))
            Directory.Delete(path, recursive: true);
    }

    /// <summary>Steps that have a checkpoint, ascending.</summary>
    private static IEnumerable<int> List(string folder) => !Directory.Exists(folder) ? [] :
        Directory.EnumerateDirectories(folder, Prefix + "*")
            .Select(path => int.TryParse(Path.GetFileName(path)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : -1)
            .Where(step => step >= 0).Order();

    private static CheckpointState? ReadState(string checkpoint)
    {
        try
        {
            return JsonSerializer.Deserialize<CheckpointState>(File.ReadAllBytes(Path.Combine(checkpoint, StateFile)), s_json);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }
    }

    private static bool IsSafetensors(string path)
    {
        try
        {
            SafetensorsFile.Open(path).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            return false;
        }
    }

    private static Func<long, int, ReadOnlySpan<float>> Elements(Kernels.NativeBuffer<float> buffer) => (at, length) => buffer.Slice(at, length);

    private static void TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it: unfinished folders are ignored, and old ones are removed after the next checkpoint.
        }
    }
}
