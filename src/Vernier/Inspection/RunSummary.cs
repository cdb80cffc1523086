using System.Text.Json.Serialization;
using Vernier.Tuning;

namespace Vernier.Inspection;

/// <summary>What a tuning run came to, or what an untuned model is, in the figures that are compared between them.</summary>
public sealed record RunSummary
{
    /// <summary>The run's folder, or the model's file or folder.</summary>
    [JsonPropertyName("path")]
    public required string Path { get; init; }

    /// <summary>finished, stopped early (by --patience), unfinished (can be resumed), failed, or model.</summary>
    [JsonPropertyName("status")]
    public required string Status { get; init; }

    /// <summary>The tuning method with its granularity; for a model the format that most of it is in.</summary>
    [JsonPropertyName("method")]
    public string? Method { get; init; }

    /// <summary>The learning rate at its peak.</summary>
    [JsonPropertyName("lr")]
    public double? LearningRate { get; init; }

    /// <summary>Steps done.</summary>
    [JsonPropertyName("steps")]
    public int? Steps { get; init; }

    /// <summary>Numbers that were trained.</summary>
    [JsonPropertyName("trainable_parameters")]
    public long? TrainableParameters { get; init; }

    /// <summary>Size of the adapter's tensors, or of the model.</summary>
    [JsonPropertyName("bytes")]
    public long? Bytes { get; init; }

    /// <summary>Time of all steps, without evaluation and saving.</summary>
    [JsonPropertyName("seconds")]
    public double? Seconds { get; init; }

    /// <summary>Largest resident memory of the run's process, in 10⁶ bytes.</summary>
    [JsonPropertyName("peak_rss_mb")]
    public double? PeakResidentMegabytes { get; init; }

    /// <summary>Mean training loss of the last tenth of the steps, nats a token.</summary>
    [JsonPropertyName("train_loss")]
    public double? TrainLoss { get; init; }

    /// <summary>Validation loss before, nats a token.</summary>
    [JsonPropertyName("initial_eval")]
    public double? InitialEval { get; init; }

    /// <summary>Validation loss after.</summary>
    [JsonPropertyName("final_eval")]
    public double? FinalEval { get; init; }

    /// <summary>What went wrong, where the run failed.</summary>
    [JsonPropertyName("error")]
    public string? Error { get; init; }

    /// <summary>The losses of all steps.</summary>
    [JsonIgnore]
    public IReadOnlyList<double> Losses { get; init; } = [];

    /// <summary>Validation losses after so many steps.</summary>
    [JsonIgnore]
    public IReadOnlyList<(int Step, double Loss)> Evals { get; init; } = [];

    /// <summary>Reads a run's folder, or the headers of a model.</summary>
    /// <exception cref="IOException">There is nothing at that path.</exception>
    /// <exception cref="InvalidDataException">It is neither, or a file in it is damaged.</exception>
    public static RunSummary Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Directory.Exists(path) && File.Exists(System.IO.Path.Combine(path, TuneLog.FileName)) ? OfRun(path) : OfModel(path);
    }

    private static RunSummary OfRun(string folder)
    {
        var options = RunFile.Load(System.IO.Path.Combine(folder, "config.yaml")).Options;
        var log = TuneLog.Read(folder, options.Steps ?? 0);
        var result = RunResultFile.TryRead(folder);
        var adapter = new FileInfo(System.IO.Path.Combine(folder, "adapter_model.safetensors"));
        var evals = log.Where(at => at.EvalLoss is not null).Select(at => (at.Step, at.EvalLoss!.Value)).ToList();
        if (result?.InitialEval is { } initial)
            evals.Insert(0, (0, initial));
        return new RunSummary
        {
            Path = folder,
            Status = result is null or { Finished: false } ? "unfinished" : result.StoppedEarly ? "stopped early" : "finished",
            Method = NameOf(options),
            LearningRate = options.LearningRate,
            Steps = log.Count == 0 ? 0 : log[^1].Step,
            TrainableParameters = result?.TrainableParameters,
            Bytes = adapter.Exists ? adapter.Length : null,
            Seconds = log.Sum(at => at.Seconds),
            PeakResidentMegabytes = result?.PeakResidentMegabytes,
            TrainLoss = log.Count == 0 ? null : log.TakeLast(Math.Max(1, log.Count / 10)).Average(at => at.Loss),
            InitialEval = result?.InitialEval,
            FinalEval = result?.FinalEval ?? log.LastOrDefault(at => at.EvalLoss is not null).EvalLoss,
            Losses = [.. log.Select(at => at.Loss)],
            Evals = evals,
        };
    }

    private static RunSummary OfModel(string path)
    {
        var model = FileInspector.Inspect(path);
        var format = model.Quantization ?? model.Tensors.GroupBy(t => t.Format).MaxBy(format => format.Sum(t => t.Bytes))?.Key;
        return new RunSummary { Path = path, Status = "model", Method = format, Bytes = model.Tensors.Sum(t => t.Bytes) };
    }

    /// <summary>The method with what sets its runs apart; the width where the run quantized.</summary>
    private static string NameOf(TuneOptions options)
    {
        var method = TuningMethods.Of(options).Label(options);
        return options.Bits is { } bits ? FormattableString.Invariant($"{method}, {bits} bits") : method;
    }
}
