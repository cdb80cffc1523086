namespace Vernier.Methods.LearnedGrids;

/// <summary>What rounding to learned grids does to weights, summed up.</summary>
internal struct RoundingFigures
{
    /// <summary>Weights beyond the smallest or largest code.</summary>
    public long Clipped;

    /// <summary>All weights.</summary>
    public long Weights;

    /// <summary>Σ (w - ŵ)².</summary>
    public double Error;

    /// <summary>Σ w².</summary>
    public double Size;

    /// <summary>Adds another sum.</summary>
    public void Add(in RoundingFigures other)
    {
        Clipped += other.Clipped;
        Weights += other.Weights;
        Error += other.Error;
        Size += other.Size;
    }
}
