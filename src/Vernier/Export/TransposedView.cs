using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>A matrix with rows and columns exchanged, to be read row by row: a few of its rows are made at a time.</summary>
internal sealed class TransposedView(WeightMatrix matrix) : WeightMatrix(matrix.Columns, matrix.Rows)
{
    private const int RowsAtOnce = 64;

    private readonly float[] _made = new float[RowsAtOnce * matrix.Rows];
    private int _first = -1;

    public override long Bytes => 0;

    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        CheckTile(row, rows, column, columns, destination.Length, stride);
        for (var r = 0; r < rows; r++)
        {
            Make(row + r);
            _made.AsSpan((row + r - _first) * Columns + column, columns).CopyTo(destination[(r * stride)..]);
        }
    }

    private void Make(int row)
    {
        if (_first >= 0 && row >= _first && row < _first + RowsAtOnce)
            return;
        _first = row / RowsAtOnce * RowsAtOnce;
        var count = Math.Min(RowsAtOnce, Rows - _first);
        var tile = (stackalloc float[RowsAtOnce]);
        for (var r = 0; r < matrix.Rows; r++)
        {
            matrix.ReadTile(r, 1, _first, count, tile, count);
            for (var c = 0; c < count; c++)
                _made[c * Columns + r] = tile[c];
        }
    }
}
