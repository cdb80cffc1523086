namespace Vernier.Kernels;

/// <summary>Takes the weight gradient G = dYᵀ X [rows, columns] tile by tile, so that it never exists whole.
/// Each element arrives exactly once, summed over all tokens. Called from several workers at once; a worker owns a fixed run
/// of rows and delivers the tiles of each row in ascending order of columns, so sums per row need no lock and sums over rows are kept per worker and added in worker order.</summary>
internal interface IGradientTileSink
{
    /// <param name="worker">The worker that delivers, in [0, workers of the pool).</param>
    /// <param name="tile">Rows [row, row + rows) x columns [column, column + columns), row-major with leading dimension <paramref name="stride"/>.
    /// May be overwritten by the sink (scratch).</param>
    void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride);
}
