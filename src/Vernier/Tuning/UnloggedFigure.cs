namespace Vernier.Tuning;

/// <summary>One of <see cref="TuningMethod.TakeFigures"/>.</summary>
internal sealed record UnloggedFigure(string Name, double Value);
