namespace Vernier.Cli.Benchmark;

/// <summary>All that <see cref="TaskBenchmark"/> measures of a quantized model.</summary>
/// <param name="OneTask">Tokens a second of the batch whose sequences share a task.</param>
/// <param name="Batch">Tasks side by side over one task.</param>
/// <param name="Active">A task per channel in use over none.</param>
/// <param name="ActiveGroups">A task per group in use over none.</param>
internal sealed record TaskFigures(double OneTask, PairedRatio Batch, PairedRatio Active, PairedRatio ActiveGroups, double SwitchMilliseconds)
{
    public static TaskFigures Measure(LanguageModel model, int seed, int repetitions, CancellationToken stop)
    {
        var batch = TaskBenchmark.Batch(model, seed, repetitions, out var oneTask, stop);
        return new(oneTask, batch, TaskBenchmark.Active(model, groups: false, seed, repetitions, stop), TaskBenchmark.Active(model, groups: true, seed, repetitions, stop),
            TaskBenchmark.SwitchMilliseconds(model, seed));
    }
}
