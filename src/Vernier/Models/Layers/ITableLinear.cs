using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A tuned layer that may stand for the embedding table, the head or, where a model ties them, for both: the gradient of its weight G [vocabulary, channels]
/// comes in tiles from the loss and in rows from the tokens that were looked up.</summary>
internal interface ITableLinear
{
    /// <summary>Begins a sum over tiles and rows.</summary>
    /// <returns>Takes tiles of G, any number of times, and adds them up.</returns>
    IGradientTileSink BeginGradient();

    /// <summary>Adds the sum to the gradients of the parameters.</summary>
    void EndGradient();
}
