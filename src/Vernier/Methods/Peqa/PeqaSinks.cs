using Vernier.Kernels;

namespace Vernier.Methods.Peqa;

/// <summary>The reductions of PEQA's gradient tiles. One instance serves all layers in turn, so a step allocates nothing.</summary>
internal sealed class PeqaSinks(int workers)
{
    public GroupSink Groups { get; } = new(workers);

    public ZeroSink Zeros { get; } = new();

    /// <summary>Reduces the tiles of G = dYᵀX to Σ_{j∈block} G_ij ŵ_ij, [rows, blocks]; a block is one group or a run of several.</summary>
    internal sealed class GroupSink : IGradientTileSink
    {
        private readonly float[][] _tiles; // of Ŵ, one for each worker
        private PackedMatrix _weight = null!;
        private float[] _sums = [];
        private int _groupsInBlock, _blocks;

        public GroupSink(int workers)
        {
            _tiles = new float[workers][];
            Array.Fill(_tiles, []);
        }

        /// <summary>[rows, blocks].</summary>
        public ReadOnlySpan<float> Sums => _sums.AsSpan(0, _weight.Rows * _blocks);

        /// <summary>Points the sink at a weight and clears the sums.</summary>
        public void Begin(PackedMatrix weight, int groupsInBlock = 1)
        {
            (_weight, _groupsInBlock, _blocks) = (weight, groupsInBlock, (weight.Groups - 1) / groupsInBlock + 1);
            var length = checked(weight.Rows * _blocks);
            if (_sums.Length < length)
                _sums = new float[length];
            Array.Clear(_sums, 0, length);
        }

        public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
        {
            if (_tiles[worker].Length < rows * columns)
                _tiles[worker] = new float[rows * columns];
            var effective = _tiles[worker].AsSpan(0, rows * columns);
            _weight.ReadTile(row, rows, column, columns, effective, columns);
            for (var r = 0; r < rows; r++)
            {
                var gradient = tile.Slice(r * stride, columns);
                var weight = effective.Slice(r * columns, columns);
                var sums = _sums.AsSpan((row + r) * _blocks, _blocks);
                if (_groupsInBlock == 1)
                    GroupSums.AccumulateDots(gradient, weight, column, _weight, sums);
                else
                    GroupSums.AccumulateDots(gradient, weight, column, _groupsInBlock * _weight.GroupSize, sums);
            }
        }
    }

    /// <summary>Takes dYᵀ X_pooled [rows, groups] and adds -s times it to the zero points' gradient.</summary>
    internal sealed class ZeroSink : IGradientTileSink
    {
        private TunedScales _scales = null!;
        private NativeBuffer<float> _gradient = null!;

        public void Begin(TunedScales scales, NativeBuffer<float> gradient) => (_scales, _gradient) = (scales, gradient);

        public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
        {
            for (var r = 0; r < rows; r++)
            {
                var at = (long)(row + r) * _scales.Groups + column;
                var sums = tile.Slice(r * stride, columns);
                var scale = _scales.ReadScale(at, columns);
                var gradient = _gradient.Slice(at, columns);
                for (var c = 0; c < columns; c++)
                    gradient[c] -= scale[c] * sums[c];
            }
        }
    }
}
