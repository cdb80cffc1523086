using Vernier.Tuning;

namespace Vernier.Methods.LearnedGrids;

/// <summary>A method that trains low-rank factors with the steps and offsets of a frozen weight. Linears that are not targeted are quantized by round to nearest and frozen.</summary>
/// <param name="name">What <see cref="TuneOptions.Method"/> calls it.</param>
/// <param name="summary">What it trains, for help.</param>
internal abstract class LearnedGridAdapterMethod(string name, string summary) : LearnedGridMethod(name, summary)
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Starts => LearnedGridOptions.Starts;

    /// <inheritdoc/>
    public override float LearningRate(TuneOptions options) => 3e-4f;

    /// <inheritdoc/>
    public override bool HasRank(TuneOptions options) => true;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options) => LearnedGridLayers.Plan(shape, options, Targets(options));
}
