namespace Vernier.Kernels;

/// <summary>A body of the rounding that fills a <see cref="StochasticTile"/>.</summary>
internal interface IStochasticRounding
{
    /// <summary>Rounds the gradients of some tokens times the scales of one group.</summary>
    /// <param name="first">The first token.</param>
    /// <param name="group">Of the weight's columns.</param>
    static abstract void Round(in StochasticTile tile, int first, int tokens, int group);
}
