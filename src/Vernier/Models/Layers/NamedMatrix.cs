using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A matrix outside the blocks (embedding, positions, head, projections): frozen in the form its file has, trained in fp32, or tuned by a method's layer.</summary>
internal sealed class NamedMatrix(string name, WeightMatrix matrix) : IDisposable
{
    /// <summary>Hugging Face module path, without <c>.weight</c>.</summary>
    public string Name => name;

    public WeightMatrix Matrix { get; private set; } = matrix;

    /// <summary>Null while the matrix is frozen.</summary>
    public Parameter? Parameter { get; private set; }

    /// <summary>A method's layer in place of the matrix, whose weight it is then; null where there is none.</summary>
    public Linear? Tuned { get; private set; }

    /// <summary>Takes the tiles of the weight gradient; null while the matrix is frozen.</summary>
    public DenseGradientSink? Sum { get; private set; }

    /// <summary>The method's layer, or a plain one of the matrix.</summary>
    public Linear AsLinear => Tuned ?? new FrozenLinear(name, Matrix, null);

    /// <summary>Begins to take the gradient of the weight; <see cref="EndGradient"/> ends it.</summary>
    /// <returns>Null while the matrix is frozen.</returns>
    public IGradientTileSink? BeginGradient() => Tuned is ITableLinear table ? table.BeginGradient() : Sum;

    /// <inheritdoc cref="ITableLinear.EndGradient"/>
    public void EndGradient() => (Tuned as ITableLinear)?.EndGradient();

    /// <summary>Puts a method's layer in place of the matrix, or a plain layer, which leaves its weight.</summary>
    /// <param name="replace">Gets a layer of the same name and shape, and takes its weight over.</param>
    /// <exception cref="ArgumentException">The layer cannot be trained here.</exception>
    public void Replace(Func<Linear, Linear> replace)
    {
        var now = replace(AsLinear);
        if (now is not FrozenLinear and not ITableLinear)
            throw new ArgumentException($"{name} cannot be tuned by a {now.GetType().Name}", nameof(replace));
        foreach (var parameter in Tuned?.Parameters ?? [])
            parameter.Dispose();
        (Tuned, Matrix) = (now is ITableLinear ? now : null, now.Weight);
    }

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
        (Matrix, Parameter, Sum, Tuned) = (frozen, null, null, null);
    }

    public void Dispose()
    {
        Matrix.Dispose();
        Parameter?.Dispose();
        foreach (var parameter in Tuned?.Parameters ?? [])
            parameter.Dispose();
    }
}
