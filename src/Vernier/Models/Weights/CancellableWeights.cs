using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Weights whose reading can be ended between two of them.</summary>
internal sealed class CancellableWeights(IWeightSource source, CancellationToken cancel) : IWeightSource
{
    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        cancel.ThrowIfCancellationRequested();
        return source.Matrix(name, rows, columns);
    }

    public void Vector(string name, Span<float> destination)
    {
        cancel.ThrowIfCancellationRequested();
        source.Vector(name, destination);
    }
}
