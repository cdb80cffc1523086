namespace Vernier.Kernels;

/// <summary>Adds a weight gradient [rows, columns] to memory that holds it whole: full fine-tuning and tied embeddings.</summary>
/// <param name="gradient">[rows, columns], row-major.</param>
/// <param name="columns">Columns of the weight.</param>
internal sealed class DenseGradientSink(NativeBuffer<float> gradient, int columns) : IGradientTileSink
{
    /// <inheritdoc/>
    public void Accept(int worker, int row, int rows, int column, int columnCount, Span<float> tile, int stride)
    {
        for (var r = 0; r < rows; r++)
        {
            var target = gradient.Slice((long)(row + r) * columns + column, columnCount);
            var source = tile.Slice(r * stride, columnCount);
            for (var c = 0; c < columnCount; c++)
                target[c] += source[c];
        }
    }
}
