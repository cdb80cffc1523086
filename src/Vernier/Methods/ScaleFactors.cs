namespace Vernier.Tuning;

/// <summary>All that an adapter does to the scales of a linear, where it is no more than this.</summary>
/// <param name="Row">[rows]: multiplies every group of a row; null = 1.</param>
/// <param name="Column">[groups]: multiplies a group in every row; null = 1.</param>
public readonly record struct ScaleFactors(float[]? Row, float[]? Column);
