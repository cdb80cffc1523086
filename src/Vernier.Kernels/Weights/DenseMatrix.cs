namespace Vernier.Kernels;

/// <summary>A full-precision weight, fp32, row-major [rows, columns].</summary>
internal sealed unsafe class DenseMatrix : WeightMatrix
{
    private readonly NativeBuffer<float> _values;

    /// <summary>A matrix of zeros.</summary>
    public DenseMatrix(int rows, int columns)
        : base(rows, columns) => _values = new NativeBuffer<float>((long)rows * columns);

    /// <summary>A matrix over memory that exists: a change of <paramref name="values"/> is a change of the matrix, which owns it from now on.</summary>
    /// <param name="values">rows * columns elements, row-major.</param>
    public DenseMatrix(int rows, int columns, NativeBuffer<float> values)
        : base(rows, columns)
    {
        if (values.Length != (long)rows * columns)
            throw new ArgumentException($"{values.Length} elements for a matrix of {rows} x {columns}", nameof(values));
        _values = values;
    }

    /// <inheritdoc/>
    public override long Bytes => _values.Length * sizeof(float);

    /// <summary>One row, writable.</summary>
    public Span<float> Row(int row) => _values.Slice((long)row * Columns, Columns);

    /// <summary>All values, row-major.</summary>
    public NativeBuffer<float> Values => _values;

    internal override float* DensePointer => _values.Pointer;

    /// <inheritdoc/>
    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        CheckTile(row, rows, column, columns, destination.Length, stride);
        for (var r = 0; r < rows; r++)
            Row(row + r).Slice(column, columns).CopyTo(destination[(r * stride)..]);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (IsKept)
            return;
        _values.Dispose();
        base.Dispose();
    }
}
