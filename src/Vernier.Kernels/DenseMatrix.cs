namespace Vernier.Kernels;

/// <summary>A full-precision weight, fp32, row-major [rows, columns].</summary>
public sealed class DenseMatrix : WeightMatrix
{
    private readonly NativeBuffer<float> _values;

    public DenseMatrix(int rows, int columns)
        : base(rows, columns) => _values = new NativeBuffer<float>((long)rows * columns);

    public override long Bytes => _values.Length * sizeof(float);

    /// <summary>One row, writable.</summary>
    public Span<float> Row(int row) => _values.Slice((long)row * Columns, Columns);

    /// <summary>All values, row-major.</summary>
    public NativeBuffer<float> Values => _values;

    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        for (var r = 0; r < rows; r++)
            Row(row + r).Slice(column, columns).CopyTo(destination[(r * stride)..]);
    }

    public override void Dispose()
    {
        _values.Dispose();
        base.Dispose();
    }
}
