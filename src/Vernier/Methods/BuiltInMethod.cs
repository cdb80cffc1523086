namespace Vernier.Tuning;

/// <summary>A method of the library.</summary>
/// <param name="name">What <see cref="TuneOptions.Method"/> calls it.</param>
/// <param name="summary">What it trains, for help.</param>
internal abstract class BuiltInMethod(string name, string summary) : TuningMethod
{
    /// <inheritdoc/>
    public sealed override string Name { get; } = name;

    /// <inheritdoc/>
    public sealed override string Summary { get; } = summary;
}
