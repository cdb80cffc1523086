using Vernier.Data;
using Vernier.Models;

namespace Vernier.Calibration;

/// <summary>Token sequences of a text from which GPTQ takes its moments.</summary>
public static class CalibrationData
{
    /// <summary>Draws rows of the data without repeating one, in the order of the data.</summary>
    /// <param name="path">Any data file that tuning reads.</param>
    /// <exception cref="InvalidDataException">The data is damaged, or has fewer rows than asked for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IReadOnlyList<TokenBatch> Load(LoadedModel model, string path, QuantizeOptions options, int seed, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        var data = TrainingData.Load(path, model, new RowOptions(Math.Min(options.Context, model.Config.ContextLength)), cancel);
        if (data.Rows < options.Samples)
            throw new InvalidDataException($"{path}: found {data.Rows} samples of {options.Context} tokens, expected at least {options.Samples}: lower --samples or --context");
        var rows = Enumerable.Range(0, data.Rows).ToArray();
        new Random(seed).Shuffle(rows);
        return [.. rows.Take(options.Samples).Order().Select(row => Batch(data, row))];
    }

    private static TokenBatch Batch(TrainingData data, int row)
    {
        var lengths = new int[data.RowSequences(row)];
        data.RowLengths(row, lengths);
        var starts = new int[lengths.Length + 1];
        for (var s = 0; s < lengths.Length; s++)
            starts[s + 1] = starts[s] + lengths[s];
        return new TokenBatch(data.RowIds(row).ToArray(), starts, data.RowTargets(row).ToArray());
    }
}
