using Vernier.Kernels;

namespace Vernier.Methods.LearnedGrids;

/// <summary>A full-precision weight rounded to a learned grid, tile by tile when it is read: neither the weight before rounding
/// (where it is a sum) nor the one after exists whole.</summary>
internal sealed class FakeQuantizedMatrix(WeightMatrix source, LearnedGrid grid) : WeightMatrix(source.Rows, source.Columns)
{
    /// <inheritdoc/>
    public override long Bytes => source.Bytes + 3L * sizeof(float) * grid.Scale.Value.Length;

    /// <summary>The weight before rounding.</summary>
    public WeightMatrix Source => source;

    /// <inheritdoc/>
    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        source.ReadTile(row, rows, column, columns, destination, stride);
        for (var r = 0; r < rows; r++)
            grid.Apply(row + r, column, destination.Slice(r * stride, columns));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        source.Dispose();
        grid.Dispose();
        base.Dispose();
    }
}
