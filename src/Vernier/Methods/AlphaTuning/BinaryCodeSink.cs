using Vernier.Kernels;

namespace Vernier.Methods.AlphaTuning;

/// <summary>Reduces the tiles of G = dYᵀX to Σ_{j∈group} G_ij b_kj, [rows, groups, bits]. One instance serves all layers in turn.</summary>
internal sealed class BinaryCodeSink : IGradientTileSink
{
    private readonly byte[][] _codes; // of one row of a tile, one for each worker
    private PackedMatrix _matrix = null!;
    private NativeBuffer<float> _gradient = null!;

    public BinaryCodeSink(int workers)
    {
        _codes = new byte[workers][];
        Array.Fill(_codes, []);
    }

    /// <summary>Points the sink at a layer.</summary>
    public void Begin(PackedMatrix codes, NativeBuffer<float> gradient) => (_matrix, _gradient) = (codes, gradient);

    public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
    {
        if (_codes[worker].Length < columns)
            _codes[worker] = new byte[columns];
        var codes = _codes[worker].AsSpan(0, columns);
        var bits = _matrix.Bits;
        for (var r = 0; r < rows; r++)
        {
            _matrix.ReadCodes(row + r, column, codes);
            var values = tile.Slice(r * stride, columns);
            for (var c = 0; c < columns;)
            {
                var group = (column + c) / _matrix.GroupSize;
                var end = Math.Min(columns, (group + 1) * _matrix.GroupSize - column);
                var gradient = _gradient.Slice(((long)(row + r) * _matrix.Groups + group) * bits, bits);
                for (; c < end; c++)
                    for (var k = 0; k < bits; k++)
                        gradient[k] += (codes[c] >> k & 1) != 0 ? values[c] : -values[c];
            }
        }
    }
}
