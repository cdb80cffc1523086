using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A matrix outside the blocks (embedding, positions, head, projections): frozen in the form its file has, or trained in fp32.</summary>
internal sealed class NamedMatrix(string name, WeightMatrix matrix) : IDisposable
{
    /// <summary>Hugging Face module path, without <c>.weight</c>.</summary>
    public string Name => name;

    public WeightMatrix Matrix { get; private set; } = matrix;

    /// <summary>Null while the matrix is frozen.</summary>
    public Parameter? Parameter { get; private set; }

    /// <summary>Takes the tiles of the weight gradient; null while the matrix is frozen.</summary>
    public DenseGradientSink? Sum { get; private set; }

    /// <summary>Turns the matrix into a fp32 parameter. A matrix that already is one stays.</summary>
    public void MakeTrainable()
    {
        if (Parameter is not null)
            return;
        var frozen = Matrix;
        Parameter = new Parameter(name + ".weight", frozen.Rows, frozen.Columns) { Decays = true };
        var dense = new DenseMatrix(frozen.Rows, frozen.Columns, Parameter.Value);
        for (var row = 0; row < frozen.Rows; row++)
            frozen.ReadTile(row, 1, 0, frozen.Columns, dense.Row(row), frozen.Columns);
        (Matrix, Sum) = (dense, new DenseGradientSink(Parameter.Gradient, frozen.Columns));
        frozen.Dispose();
    }

    /// <summary>Back to a frozen matrix.</summary>
    public void Restore(WeightMatrix frozen)
    {
        Dispose();
        (Matrix, Parameter, Sum) = (frozen, null, null);
    }

    public void Dispose()
    {
        Matrix.Dispose();
        Parameter?.Dispose();
    }
}
