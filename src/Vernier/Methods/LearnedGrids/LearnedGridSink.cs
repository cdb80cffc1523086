using Vernier.Kernels;

namespace Vernier.Methods.LearnedGrids;

/// <summary>Takes the gradient G of a rounded weight tile by tile: recomputes the weight before rounding, reduces G to the gradients of steps and offsets,
/// and passes G ∘ M on. One instance serves all layers in turn.</summary>
internal sealed class LearnedGridSink : IGradientTileSink
{
    private readonly float[][] _tiles; // of the weight before rounding, one for each worker
    private readonly RoundingFigures[] _figures; // one for each worker
    private LearnedGrid _grid = null!;
    private WeightMatrix _source = null!;
    private IGradientTileSink? _next;

    public LearnedGridSink(int workers)
    {
        _tiles = new float[workers][];
        Array.Fill(_tiles, []);
        _figures = new RoundingFigures[workers];
    }

    /// <param name="next">Takes G ∘ M, the gradient of the weight before rounding; null = nobody wants it.</param>
    public void Begin(LearnedGrid grid, WeightMatrix source, IGradientTileSink? next) => (_grid, _source, _next) = (grid, source, next);

    /// <summary>What rounding did to all weights seen since the last call: the share that was clipped, and ‖W - Ŵ‖² / ‖W‖².</summary>
    public IReadOnlyList<(string Name, double Value)> TakeFigures()
    {
        var sum = new RoundingFigures();
        foreach (ref var figures in _figures.AsSpan())
        {
            sum.Add(figures);
            figures = default;
        }
        return sum.Weights == 0 ? [] : [("clipped", (double)sum.Clipped / sum.Weights), ("quantization_error", sum.Size == 0 ? 0 : sum.Error / sum.Size)];
    }

    public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
    {
        if (_tiles[worker].Length < rows * columns)
            _tiles[worker] = new float[rows * columns];
        var weights = _tiles[worker].AsSpan(0, rows * columns);
        _source.ReadTile(row, rows, column, columns, weights, columns);
        for (var r = 0; r < rows; r++)
        {
            _grid.Measure(row + r, column, weights.Slice(r * columns, columns), ref _figures[worker]);
            _grid.AccumulateGradients(row + r, column, weights.Slice(r * columns, columns), tile.Slice(r * stride, columns));
        }
        _next?.Accept(worker, row, rows, column, columns, tile, stride);
    }
}
