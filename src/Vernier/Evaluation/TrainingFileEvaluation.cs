using Vernier.Data;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Evaluation;

/// <summary>Measures a model on a file that it could be tuned on: the same kinds of data, the same prompts, mask and rows, so that the figure is the
/// validation loss of a tuning run.</summary>
internal static class TrainingFileEvaluation
{
    private static readonly string[] s_records = [".jsonl", ".ndjson", ".json", ParquetRows.Extension];

    /// <summary>The path is that of a file of records: its characters are no text to measure.</summary>
    public static bool HoldsRecords(string path) => s_records.Contains(CompressedFile.InnerExtension(path));

    /// <summary>Reads the file of <see cref="EvaluationOptions.Data"/> and evaluates.</summary>
    /// <param name="progress">Told (rows done, in all).</param>
    /// <exception cref="InvalidDataException">The file cannot be read: path, line, and what was expected.</exception>
    /// <exception cref="NotFiniteNumberException">The model does not compute on it.</exception>
    public static TrainingFileResult Run(LoadedModel model, EvaluationOptions options, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        OptionRules.Require(options.Task.Length == 0, "a training file is measured without a task");
        var path = options.Checked().Data!;
        var rows = new RowOptions(options.Context ?? new TuneOptions().Context, options.TrainOnPrompt);
        var data = TrainingData.Load(path, model, rows, stop);
        var nll = Loss(model.Decoder, model.Compute, data, options.Batch, progress, stop);
        if (!double.IsFinite(nll))
            throw new NotFiniteNumberException($"{path}: the loss is {nll}: the model does not compute on it", nll);
        return new TrainingFileResult(Path.GetFileName(path))
        {
            Context = Math.Min(rows.Context, model.Config.ContextLength),
            Windows = data.Rows,
            Tokens = data.ScoredTokens,
            TextTokens = data.Tokens,
            Nll = nll,
            TrainOnPrompt = options.TrainOnPrompt,
            PromptForm = data.Prompt?.Name,
            Samples = data.Counts.Samples,
            LeftOut = data.Counts.LeftOut,
            Cut = data.Counts.Cut,
            Continued = data.Counts.Continued,
            TokensLeftOut = data.Counts.TokensLeftOut,
            Notes = data.Notes,
        };
    }

    /// <summary>Mean negative log-likelihood over all scored tokens, in nats.</summary>
    /// <param name="batch">Rows of a pass.</param>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    internal static double Loss(Decoder decoder, Compute compute, TrainingData data, int batch, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        using var work = new WorkLease(decoder, compute, stop);
        return DataLoss.Of(decoder, compute, data, batch, (done, _) => progress?.Invoke(Math.Min(done * batch, data.Rows), data.Rows));
    }
}
