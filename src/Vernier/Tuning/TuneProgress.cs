namespace Vernier.Tuning;

/// <summary>Where a run stands after a step; the fields of a line of <c>log.jsonl</c> and what a progress bar shows besides.</summary>
/// <param name="Step">Steps done, 1 .. <paramref name="Steps"/>.</param>
/// <param name="Steps">Steps of the planned schedule.</param>
/// <param name="Loss">Mean negative log-likelihood over the scored tokens of the step, nats, before its update.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="Tokens">Tokens of this step, scored or not.</param>
/// <param name="Seconds">Duration of this step without evaluation and saving.</param>
/// <param name="ResidentBytes">Resident memory of the process.</param>
/// <param name="EvalLoss">Validation loss after this step, where one was taken.</param>
public readonly record struct TuneProgress(int Step, int Steps, double Loss, double GradientNorm, double LearningRate, int Tokens, double Seconds, long ResidentBytes, double? EvalLoss)
{
    /// <summary>Blocks whose activations are kept from the forward to the backward pass: those that the memory limit leaves room for, and the last one.</summary>
    public int KeptBlocks { get; init; }

    /// <summary>Blocks that the backward pass computes again.</summary>
    public int RecomputedBlocks { get; init; }

    /// <summary>What the method adds: see <see cref="TuningMethod.TakeFigures"/>.</summary>
    public IReadOnlyList<(string Name, double Value)> MethodFigures { get; init; } = [];
}
