using System.Numerics;
using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>The sweep of GPTQ over the rows of a weight, a few rows at a time so that a strip of U in the cache serves them all.</summary>
internal struct GptqSweep : IParallelJob
{
    private const int RowsAtOnce = 8;
    private const int Strip = 256; // columns of U that stay in the first-level cache

    private readonly WeightMatrix _weight;
    private readonly NativeBuffer<double> _factor;
    private readonly bool[] _dead;
    private readonly int[] _order;
    private readonly GptqOptions _options;
    private readonly CancellationToken _cancel;
    private readonly int _groupSize, _groups;
    private readonly byte[] _codes;
    private readonly GroupGrid[] _grids;
    private readonly double[] _rowLoss;

    public GptqSweep(WeightMatrix weight, GptqFactor factor, GptqOptions options, CancellationToken cancel)
    {
        _cancel = cancel;
        (_weight, _factor, _dead, _order, _options) = (weight, factor.Upper, factor.Dead, factor.Order, options);
        _groupSize = options.Group == 0 ? weight.Columns : Math.Min(options.Group, weight.Columns);
        _groups = (weight.Columns + _groupSize - 1) / _groupSize;
        _codes = new byte[checked(weight.Rows * weight.Columns)];
        _grids = new GroupGrid[weight.Rows * _groups];
        _rowLoss = new double[weight.Rows];
    }

    // Grids fitted before the sweep. A whole row's grid sees the weights of dead columns, a static group's grid sees them as 0: so does the published code.
    private readonly bool FitsFirst => _groups == 1 || _options.StaticGroups;

    public readonly GptqResult Result()
    {
        var groupIndex = new int[_order.Length];
        for (var c = 0; c < _order.Length; c++)
            groupIndex[_order[c]] = GroupOf(c);
        return new(_weight.Rows, _weight.Columns, _options.Bits, _groupSize, _codes, _grids, groupIndex, _order, _rowLoss.Sum());
    }

    public readonly void Execute(int worker, int workers)
    {
        var columns = _order.Length;
        var last = (int)((long)_weight.Rows * (worker + 1) / workers);
        var work = new double[RowsAtOnce * columns]; // weights in the order of processing, corrected up to the current block
        var errors = new double[RowsAtOnce * _options.Block];
        var original = new float[columns];
        for (var row = (int)((long)_weight.Rows * worker / workers); row < last; row += RowsAtOnce)
        {
            var rows = Math.Min(RowsAtOnce, last - row);
            for (var r = 0; r < rows; r++)
            {
                _weight.ReadTile(row + r, 1, 0, columns, original, columns);
                if (_groups == 1)
                    Fit(row + r, 0, original);
                for (var j = 0; j < columns; j++)
                    if (_dead[j])
                        original[j] = 0;
                if (_groups > 1 && _options.StaticGroups)
                    for (var g = 0; g < _groups; g++)
                        Fit(row + r, g, original.AsSpan(g * _groupSize, Math.Min(_groupSize, columns - g * _groupSize)));
                for (var c = 0; c < columns; c++)
                    work[r * columns + c] = original[_order[c]];
            }
            for (var start = 0; start < columns; start += _options.Block)
            {
                _cancel.ThrowIfCancellationRequested();
                var end = Math.Min(columns, start + _options.Block);
                for (var r = 0; r < rows; r++)
                    QuantizeBlock(row + r, work.AsSpan(r * columns, columns), start, end, errors.AsSpan(r * _options.Block, end - start));
                CorrectRest(work, rows, start, end, errors);
            }
        }
    }

    // The columns of one block, one after the other: q = quantize(w_j), e = (w_j - ŵ_j) / U_jj, w_k -= e U_jk in the rest of the block.
    private readonly void QuantizeBlock(int row, ReadOnlySpan<double> weights, int start, int end, Span<double> errors)
    {
        Span<double> block = new double[end - start];
        weights[start..end].CopyTo(block);
        for (var c = start; c < end; c++)
        {
            var group = GroupOf(c);
            if (!FitsFirst && c % _groupSize == 0)
                FitFromCorrected(row, group, c, weights, start, block, errors[..(c - start)]);
            var grid = _grids[row * _groups + group];
            var u = _factor.Slice((long)c * _order.Length + c, end - c);
            var w = block[c - start];
            var code = grid.Encode((float)w);
            _codes[row * _order.Length + _order[c]] = code;
            var error = (w - grid.Scale * (code - (double)grid.Zero)) / u[0];
            _rowLoss[row] += error * error / 2;
            errors[c - start] = error;
            Subtract(u[1..], error, block[(c - start + 1)..]);
        }
    }

    private readonly void FitFromCorrected(int row, int group, int column, ReadOnlySpan<double> weights, int start, ReadOnlySpan<double> block, ReadOnlySpan<double> errors)
    {
        var length = Math.Min(_groupSize, weights.Length - column);
        var members = weights.Slice(column, length).ToArray();
        if (_options.GridFromUpdated)
        {
            var inBlock = Math.Min(length, start + block.Length - column);
            block.Slice(column - start, inBlock).CopyTo(members);
            for (var k = 0; k < errors.Length; k++)
                Subtract(_factor.Slice((long)(start + k) * weights.Length + column + inBlock, length - inBlock), errors[k], members.AsSpan(inBlock));
        }
        Fit(row, group, Array.ConvertAll(members, w => (float)w));
    }

    // w_k -= Σ_j e_j U_jk for all columns behind the block.
    private readonly void CorrectRest(double[] work, int rows, int start, int end, double[] errors)
    {
        var columns = _order.Length;
        for (var first = end; first < columns; first += Strip)
        {
            var length = Math.Min(Strip, columns - first);
            for (var r = 0; r < rows; r++)
            {
                var target = work.AsSpan(r * columns + first, length);
                var e = errors.AsSpan(r * _options.Block, end - start);
                var k = 0;
                for (; k + 4 <= e.Length; k += 4)
                    SubtractFour(Line(start + k, first, length), Line(start + k + 1, first, length), Line(start + k + 2, first, length), Line(start + k + 3, first, length), e.Slice(k, 4), target);
                for (; k < e.Length; k++)
                    Subtract(Line(start + k, first, length), e[k], target);
            }
        }
    }

    private readonly ReadOnlySpan<double> Line(int row, int column, int length) => _factor.Slice((long)row * _order.Length + column, length);

    private readonly int GroupOf(int position) => (_options.StaticGroups ? _order[position] : position) / _groupSize;

    private readonly void Fit(int row, int group, ReadOnlySpan<float> weights)
    {
        var grid = GroupGrid.Fit(weights, _options.Bits, _options.Grid);
        if (!float.IsFinite(grid.Scale))
            throw new InvalidDataException($"row {row}, group {group}: a weight is not finite");
        _grids[row * _groups + group] = grid;
    }

    private static void Subtract(ReadOnlySpan<double> from, double factor, Span<double> to)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            var f = new Vector<double>(-factor);
            for (; i <= from.Length - Vector<double>.Count; i += Vector<double>.Count)
                Vector.FusedMultiplyAdd(new Vector<double>(from[i..]), f, new Vector<double>(to[i..])).CopyTo(to[i..]);
        }
        for (; i < from.Length; i++)
            to[i] -= factor * from[i];
    }

    private static void SubtractFour(ReadOnlySpan<double> a, ReadOnlySpan<double> b, ReadOnlySpan<double> c, ReadOnlySpan<double> d, ReadOnlySpan<double> factors, Span<double> to)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            var (fa, fb, fc, fd) = (new Vector<double>(-factors[0]), new Vector<double>(-factors[1]), new Vector<double>(-factors[2]), new Vector<double>(-factors[3]));
            for (; i <= to.Length - Vector<double>.Count; i += Vector<double>.Count)
            {
                var sum = Vector.FusedMultiplyAdd(new Vector<double>(a[i..]), fa, new Vector<double>(to[i..]));
                sum = Vector.FusedMultiplyAdd(new Vector<double>(b[i..]), fb, sum);
                sum = Vector.FusedMultiplyAdd(new Vector<double>(c[i..]), fc, sum);
                Vector.FusedMultiplyAdd(new Vector<double>(d[i..]), fd, sum).CopyTo(to[i..]);
            }
        }
        for (; i < to.Length; i++)
            to[i] -= factors[0] * a[i] + factors[1] * b[i] + factors[2] * c[i] + factors[3] * d[i];
    }
}
