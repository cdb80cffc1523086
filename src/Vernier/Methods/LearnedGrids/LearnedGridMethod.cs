using Vernier.Tuning;

namespace Vernier.Methods.LearnedGrids;

/// <summary>A method that trains steps through the rounding: the codes follow, and the figures tell what rounding does.</summary>
/// <param name="name">What <see cref="TuneOptions.Method"/> calls it.</param>
/// <param name="summary">What it trains, for help.</param>
internal abstract class LearnedGridMethod(string name, string summary) : BuiltInMethod(name, summary)
{
    private LearnedGridSink? _sink;

    /// <inheritdoc/>
    public sealed override bool KeepsCodes => false;

    /// <inheritdoc/>
    public sealed override bool Rounds(TuneOptions options) => true;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<(string Name, double Value)> TakeFigures() => _sink?.TakeFigures() ?? [];

    /// <summary>What collects the gradients of all layers of a model, and the figures of <see cref="TakeFigures"/>.</summary>
    private protected LearnedGridSink NewSink(int workers) => _sink = new LearnedGridSink(workers);
}
