using System.Numerics;

namespace Vernier.Kernels;

/// <summary>Products with the factors of a low-rank weight B A, B [rows, rank], A [rank, columns], tile by tile.</summary>
internal static class LowRank
{
    /// <summary>tile += factor · B A over [row, row + rows) x [column, column + columns).</summary>
    /// <param name="stride">Elements from one row of the tile to the next.</param>
    /// <param name="allColumns">Columns of A.</param>
    public static void AddProduct(Span<float> tile, int stride, int row, int rows, int column, int columns, ReadOnlySpan<float> b, ReadOnlySpan<float> a, int rank, int allColumns, float factor)
    {
        for (var r = 0; r < rows; r++)
        {
            var line = tile.Slice(r * stride, columns);
            for (var k = 0; k < rank; k++)
                AddScaled(a.Slice(k * allColumns + column, columns), factor * b[(row + r) * rank + k], line);
        }
    }

    /// <summary>From a tile of G, the gradient of B A times factor: dB [row] += factor · G Aᵀ, dA += factor · Bᵀ G.</summary>
    /// <param name="bGrad">[all rows, rank].</param>
    /// <param name="aGrad">[rank, all columns], this worker's own.</param>
    public static void AccumulateGradients(ReadOnlySpan<float> tile, int stride, int row, int rows, int column, int columns, ReadOnlySpan<float> b, ReadOnlySpan<float> a, int rank, int allColumns, float factor, Span<float> bGrad, Span<float> aGrad)
    {
        for (var r = 0; r < rows; r++)
        {
            var line = tile.Slice(r * stride, columns);
            for (var k = 0; k < rank; k++)
            {
                var at = (row + r) * rank + k;
                bGrad[at] += factor * GroupSums.Dot(line, a.Slice(k * allColumns + column, columns));
                AddScaled(line, factor * b[at], aGrad.Slice(k * allColumns + column, columns));
            }
        }
    }

    /// <summary>y += factor · x.</summary>
    public static void AddScaled(ReadOnlySpan<float> x, float factor, Span<float> y)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            var f = new Vector<float>(factor);
            for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
                Vector.FusedMultiplyAdd(new Vector<float>(x[i..]), f, new Vector<float>(y[i..])).CopyTo(y[i..]);
        }
        for (; i < x.Length; i++)
            y[i] = MathF.FusedMultiplyAdd(x[i], factor, y[i]);
    }
}
