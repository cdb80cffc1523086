using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Adds the tiles of a weight gradient [rows, columns] to a parameter's gradient.</summary>
internal sealed class GradientSum(Parameter parameter) : IGradientTileSink
{
    private readonly int _columns = parameter.Shape[1];

    public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
    {
        for (var r = 0; r < rows; r++)
        {
            var source = tile.Slice(r * stride, columns);
            var target = parameter.Gradient.Slice((long)(row + r) * _columns + column, columns);
            for (var c = 0; c < columns; c++)
                target[c] += source[c];
        }
    }
}
