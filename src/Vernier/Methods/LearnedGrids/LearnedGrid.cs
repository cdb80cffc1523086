using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Methods.LearnedGrids;

/// <summary>The trainable grid of a weight that is rounded in the forward pass: per group a step s, an offset β (or none) and the range of signed codes.
/// What it computes is to the bit what the packed weight computes that comes out in the end.</summary>
internal sealed class LearnedGrid : IDisposable
{
    // A weight that lies exactly on a bound is inside or outside by one ulp, and that decides its gradient; a start slightly wider settles it.
    private const float StartMargin = 1f + 1f / 1024;

    private readonly NativeBuffer<float> _low;
    private readonly NativeBuffer<float> _scale, _offset; // as the forward pass uses them
    private readonly bool _scalesGradients, _halfPrecision;

    /// <param name="module">Module path of the linear.</param>
    /// <param name="weight">The weights to fit the start to.</param>
    /// <param name="group">Columns that share a step; 0 = the whole row.</param>
    /// <param name="trainsOffset">β is a parameter; otherwise it stays 0.</param>
    /// <param name="scalesGradients">Multiply the gradients of steps and offsets by 1/√(weights of the group · QP) (LSQ, section 2.2).</param>
    /// <param name="halfPrecision">Steps and offsets are rounded to fp16 in the forward pass, as an export format will store them; gradients pass straight through.</param>
    public LearnedGrid(string module, WeightMatrix weight, int bits, int group, GridStart start, bool trainsOffset, bool scalesGradients = false, bool halfPrecision = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        ArgumentOutOfRangeException.ThrowIfNegative(group);
        (Bits, Rows, Columns) = (bits, weight.Rows, weight.Columns);
        GroupSize = group == 0 ? Columns : Math.Min(group, Columns);
        Groups = (Columns + GroupSize - 1) / GroupSize;
        (_scalesGradients, _halfPrecision) = (scalesGradients, halfPrecision);
        Scale = new Parameter(module + ".scale", Rows, Groups) { IsQuantizerState = true, FloorFraction = Parameter.ScaleFloor };
        Offset = trainsOffset ? new Parameter(module + ".offset", Rows, Groups) { IsQuantizerState = true } : null;
        _low = new NativeBuffer<float>(checked(Rows * Groups));
        _scale = halfPrecision ? new NativeBuffer<float>(checked(Rows * Groups)) : Scale.Value;
        _offset = halfPrecision || Offset is null ? new NativeBuffer<float>(checked(Rows * Groups)) : Offset.Value;
        FitStart(weight, start);
        Refresh();
    }

    /// <summary>Bits of a code.</summary>
    public int Bits { get; }

    /// <summary>Output channels.</summary>
    public int Rows { get; }

    /// <summary>Input channels.</summary>
    public int Columns { get; }

    /// <summary>Columns that share a step.</summary>
    public int GroupSize { get; }

    /// <summary>Groups in a row.</summary>
    public int Groups { get; }

    /// <summary>s, [rows, groups].</summary>
    public Parameter Scale { get; }

    /// <summary>β, [rows, groups]; null where the grid has none.</summary>
    public Parameter? Offset { get; }

    /// <summary>The start of one group.</summary>
    /// <param name="weights">Its weights.</param>
    public static (float Scale, float Offset, float Low) Fit(ReadOnlySpan<float> weights, int bits, GridStart start)
    {
        float half = 1 << (bits - 1);
        var (qn, qp) = (-half, half - 1);
        var (min, max) = (float.PositiveInfinity, float.NegativeInfinity);
        var (sum, squares, absolute) = (0.0, 0.0, 0.0);
        foreach (var w in weights)
        {
            (min, max) = (MathF.Min(min, w), MathF.Max(max, w));
            sum += w;
            squares += (double)w * w;
            absolute += Math.Abs(w);
        }
        if (start == GridStart.RoundToNearest)
        {
            var grid = GroupGrid.Fit(weights, bits, GridKind.MinMax);
            return (grid.Scale, 0, -grid.Zero);
        }
        var mean = sum / weights.Length;
        var deviation = Math.Sqrt(Math.Max(0, squares / weights.Length - mean * mean));
        var scale = start switch
        {
            GridStart.L4Q => MathF.Max(MathF.Abs(min / qn), MathF.Abs(max / qp)),
            GridStart.LsqPlus => (float)(Math.Max(Math.Abs(mean - 3 * deviation), Math.Abs(mean + 3 * deviation)) / half),
            GridStart.Symmetric => MathF.Max(-min, max) / half,
            GridStart.Asymmetric => (max - min) / (qp - qn),
            GridStart.Lsq => (float)(2 * absolute / weights.Length / Math.Sqrt(qp)),
            _ => throw new ArgumentOutOfRangeException(nameof(start)),
        };
        if (scale < 1e-36f)
            scale = 1; // a group of zeros: any step will do
        return (scale, start == GridStart.Asymmetric ? max - scale * qp : 0, qn);
    }

    /// <summary>Takes over parameters that were changed.</summary>
    public void Refresh()
    {
        if (!_halfPrecision)
            return;
        for (var at = 0; at < Rows * Groups; at++)
        {
            var scale = (float)(Half)Scale.Value.Span[at];
            var packed = (float)(Half)FakeQuantize.PackedOffset(scale, Offset is null ? 0 : Offset.Value.Span[at], Low(at));
            _scale.Span[at] = scale;
            _offset.Span[at] = MathF.FusedMultiplyAdd(-scale, Low(at), packed);
        }
    }

    /// <summary>Rounds weights of one row to the grid.</summary>
    /// <param name="column">Column of the first one.</param>
    public void Apply(int row, int column, Span<float> weights)
    {
        for (var c = 0; c < weights.Length;)
        {
            var (at, length) = Segment(row, column + c, weights.Length - c);
            FakeQuantize.Apply(weights.Slice(c, length), _scale.Span[at], _offset.Span[at], Low(at), High(at));
            c += length;
        }
    }

    /// <summary>Turns G into G ∘ M and adds to the gradients of s and β.</summary>
    /// <param name="column">Column of the first element.</param>
    /// <param name="weights">Before rounding.</param>
    /// <param name="gradients">G of the rounded weights; overwritten.</param>
    public void AccumulateGradients(int row, int column, ReadOnlySpan<float> weights, Span<float> gradients)
    {
        for (var c = 0; c < weights.Length;)
        {
            var (at, length) = Segment(row, column + c, weights.Length - c);
            var (scale, offset) = FakeQuantize.Gradient(weights.Slice(c, length), gradients.Slice(c, length), _scale.Span[at], _offset.Span[at], Low(at), High(at));
            var factor = _scalesGradients ? GradientScale(column + c) : 1f;
            Scale.Gradient.Span[at] += factor * scale;
            if (Offset is not null)
                Offset.Gradient.Span[at] += factor * offset;
            c += length;
        }
    }

    /// <summary>Adds what rounding does to weights of one row.</summary>
    /// <param name="column">Column of the first one.</param>
    /// <param name="weights">Before rounding.</param>
    public void Measure(int row, int column, ReadOnlySpan<float> weights, ref RoundingFigures figures)
    {
        for (var c = 0; c < weights.Length;)
        {
            var (at, length) = Segment(row, column + c, weights.Length - c);
            var (clipped, error, size) = FakeQuantize.Measure(weights.Slice(c, length), _scale.Span[at], _offset.Span[at], Low(at), High(at));
            figures.Add(new RoundingFigures { Clipped = clipped, Weights = length, Error = error, Size = size });
            c += length;
        }
    }

    /// <summary>The integer weight that the grid makes of full-precision weights; no adapter left.</summary>
    public PackedMatrix Pack(WeightMatrix weight)
    {
        var packed = new PackedMatrix(Rows, Columns, Bits, GroupSize);
        var row = new float[Columns];
        var codes = new byte[Columns];
        for (var i = 0; i < Rows; i++)
        {
            weight.ReadTile(i, 1, 0, Columns, row, Columns);
            for (var j = 0; j < Columns; j++)
            {
                var at = i * Groups + j / GroupSize;
                codes[j] = (byte)(FakeQuantize.Code(row[j], _scale.Span[at], _offset.Span[at], Low(at), High(at)) - Low(at));
            }
            packed.SetRowCodes(i, codes);
        }
        for (var at = 0; at < Rows * Groups; at++)
        {
            packed.TunedScales.Scale.Span[at] = _scale.Span[at];
            packed.TunedScales.Offset.Span[at] = FakeQuantize.PackedOffset(_scale.Span[at], _offset.Span[at], Low(at));
        }
        packed.StoreScales(halves: false);
        return packed;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _low.Dispose();
        _scale.Dispose();
        _offset.Dispose();
        Scale.Dispose();
        Offset?.Dispose();
    }

    private float Low(int at) => _low.Span[at];

    private float High(int at) => _low.Span[at] + ((1 << Bits) - 1);

    private float GradientScale(int column)
    {
        var first = column / GroupSize * GroupSize;
        var weights = Math.Min(GroupSize, Columns - first);
        return (float)(1 / Math.Sqrt((double)weights * ((1 << (Bits - 1)) - 1)));
    }

    // The group that holds a column, and how many of the columns from there on it holds.
    private (int At, int Length) Segment(int row, int column, int remaining)
    {
        var group = column / GroupSize;
        return (row * Groups + group, Math.Min((group + 1) * GroupSize - column, remaining));
    }

    private void FitStart(WeightMatrix weight, GridStart start)
    {
        var row = new float[Columns];
        for (var i = 0; i < Rows; i++)
        {
            weight.ReadTile(i, 1, 0, Columns, row, Columns);
            for (var g = 0; g < Groups; g++)
            {
                var at = i * Groups + g;
                var (scale, offset, low) = Fit(row.AsSpan(g * GroupSize, Math.Min(GroupSize, Columns - g * GroupSize)), Bits, start);
                if (!float.IsFinite(scale))
                    throw new InvalidDataException($"{Scale.Name}: row {i}, group {g}: a weight is not finite");
                Scale.Value.Span[at] = start == GridStart.L4Q ? scale * StartMargin : scale;
                if (Offset is not null)
                    Offset.Value.Span[at] = offset;
                _low.Span[at] = low;
            }
        }
    }
}
