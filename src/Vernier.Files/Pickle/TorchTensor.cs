using Vernier.Files.Tensors;

namespace Vernier.Files.Pickle;

/// <summary>A tensor of a PyTorch file.</summary>
/// <param name="Shape">Sizes, slowest first.</param>
internal sealed record TorchTensor(string Name, ElementType Type, IReadOnlyList<long> Shape)
{
    internal TorchTensor(string name, PickleTensor view, long start)
        : this(name, view.Storage.Type, view.Shape) => (Strides, Start) = (view.Strides, start);

    /// <summary>Elements of the whole tensor.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Elements from one index to the next, by dimension.</summary>
    internal IReadOnlyList<long> Strides { get; } = [];

    /// <summary>First byte in the file.</summary>
    internal long Start { get; }

    /// <summary>Whether elements lie in row-major order without gaps.</summary>
    internal bool IsContiguous
    {
        get
        {
            var step = 1L;
            for (var d = Shape.Count - 1; d >= 0; d--)
            {
                if (Shape[d] != 1 && Strides[d] != step)
                    return false;
                step *= Shape[d];
            }
            return true;
        }
    }
}
