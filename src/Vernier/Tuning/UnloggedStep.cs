namespace Vernier.Tuning;

/// <summary>A step whose update is made and whose line is not in the log yet: the run was stopped while its validation loss was taken. A run that goes on takes it first.</summary>
/// <param name="Figures">What the method adds to the line.</param>
internal sealed record UnloggedStep(double Loss, double GradientNorm, double LearningRate, int Tokens, double Seconds, long ResidentBytes, int KeptBlocks, int RecomputedBlocks, IReadOnlyList<UnloggedFigure> Figures)
{
    /// <summary>The line.</summary>
    /// <param name="evalLoss">null where none is taken after this step.</param>
    public TuneProgress With(int step, int steps, double? evalLoss) => new(step, steps, Loss, GradientNorm, LearningRate, Tokens, Seconds, ResidentBytes, evalLoss)
    {
        KeptBlocks = KeptBlocks,
        RecomputedBlocks = RecomputedBlocks,
        MethodFigures = [.. Figures.Select(f => (f.Name, f.Value))],
    };
}
