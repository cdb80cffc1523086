using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning.Methods;

/// <summary>A packed linear whose scales are trained while its codes stay (PEQA, arXiv 2305.14152, eq. 2).
/// Every gradient comes from Ŵ alone: with ŵ = τ (s0 q + o0), dL/dτ = Σ G ŵ / τ over the weights that τ scales, G = dYᵀX.
/// For a whole row that sum is Σ_t dY Y; for a group of columns in all rows it is Σ_t dX X; only single groups need G itself, tile by tile.</summary>
public sealed class PeqaLinear : Linear
{
    /// <summary>A scale may not shrink below this share of its start, so that it keeps its sign.</summary>
    public const float Floor = 0.01f;

    private readonly PackedMatrix _weight;
    private readonly GroupScales _start;
    private readonly PeqaSinks _sinks;
    private readonly bool _rows, _groups; // trained numbers span whole rows, or single groups of a row
    private readonly Parameter? _row, _column, _group, _scale, _zero;
    private readonly List<Parameter> _parameters = [];

    /// <param name="weight">Its <see cref="PackedMatrix.Scales"/> become the start and are replaced by a tuned copy.</param>
    /// <param name="sinks">Shared by all layers.</param>
    /// <exception cref="ArgumentException">Absolute scales where one number must serve several groups.</exception>
    internal PeqaLinear(string name, PackedMatrix weight, Parameter? bias, Granularity granularity, Parameterization parameterization, TrainedState train, PeqaSinks sinks)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        _weight = weight;
        _start = weight.Scales;
        _weight.Scales = _start.Clone();
        if (train != TrainedState.Zeros)
            AddScales(granularity, parameterization, out _row, out _column, out _group, out _scale);
        if (train != TrainedState.Scales)
        {
            _zero = Add("zero", 0, weight.Rows, weight.Groups);
            var scale = _start.Scale.Span;
            var offset = _start.Offset.Span;
            var zero = _zero.Value.Span;
            for (var i = 0; i < zero.Length; i++)
                zero[i] = scale[i] == 0 ? 0 : -offset[i] / scale[i];
        }
        _sinks = sinks;
        _groups = _group is not null || (_scale is not null && weight.Groups > 1);
        _rows = !_groups && train != TrainedState.Zeros;
    }

    public override WeightMatrix Weight => _weight;

    internal override WeightMatrix? PlainWeight => _weight;

    /// <summary>The scales before tuning.</summary>
    public GroupScales Start => _start;

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override bool NeedsOutput => _rows;

    public override bool NeedsInputGradient => _column is not null;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (_column is not null)
            BackwardColumns(compute, x, dy, tokens, dx, accumulate);
        else if (!dx.IsEmpty)
            Projections.BackwardInput(compute, dy, tokens, _weight, dx, accumulate);
        if (_rows)
            BackwardRows(compute, y, dy, tokens);
        if (_groups)
            BackwardGroups(compute, x, dy, tokens);
        if (_zero is not null)
            BackwardZeros(compute, x, dy, tokens);
    }

    public override void ParametersChanged() => new PeqaFactors
    {
        Row = Values(_row),
        Column = Values(_column),
        Group = Values(_group),
        Scale = Values(_scale),
        Zero = Values(_zero),
    }.Compose(_start, _weight.Scales);

    // dm_i = Σ_t dY_ti Y_ti / m_i; for one group a row, ds_i = Σ_t dY_ti Y_ti / s_i.
    private void BackwardRows(Compute compute, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens)
    {
        var sums = compute.Scratch("peqa.rows", OutFeatures);
        sums.Clear();
        ColumnDots.Accumulate(compute.Pool, dy, y, tokens, OutFeatures, sums);
        AddQuotients(sums, _row ?? _scale!);
    }

    // dc_G = Σ_t Σ_{j∈G} dX_tj X_tj / c_G, with the dX of this layer alone.
    private void BackwardColumns(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        var sums = compute.Scratch("peqa.columns", InFeatures);
        sums.Clear();
        var shared = accumulate || dx.IsEmpty;
        var own = shared ? compute.Scratch("peqa.dx", tokens * InFeatures) : dx;
        Projections.BackwardInput(compute, dy, tokens, _weight, own);
        if (shared && !dx.IsEmpty)
            ColumnDots.AccumulateAndAdd(compute.Pool, own, x, tokens, InFeatures, dx, sums);
        else
            ColumnDots.Accumulate(compute.Pool, own, x, tokens, InFeatures, sums);
        var perGroup = compute.Scratch("peqa.groups", _weight.Groups);
        GroupSums.Pool(sums, 1, InFeatures, _weight.GroupSize, perGroup);
        AddQuotients(perGroup, _column!);
    }

    // ds_iG = Σ_{j∈G} G_ij (q - z) = Σ_{j∈G} G_ij ŵ_ij / s_iG.
    private void BackwardGroups(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens)
    {
        _sinks.Groups.Begin(_weight);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sinks.Groups);
        AddQuotients(_sinks.Groups.Sums, _group ?? _scale!);
    }

    // dz_iG = -s_iG Σ_t dY_ti Σ_{j∈G} X_tj: the sum over a group commutes with the product, so it costs 1/g of one.
    private void BackwardZeros(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens)
    {
        var groups = _weight.Groups;
        var pooled = compute.Scratch("peqa.pooled", tokens * groups);
        GroupSums.Pool(x, tokens, InFeatures, _weight.GroupSize, pooled);
        _sinks.Zeros.Begin(_weight.Scales, _zero!.Gradient);
        Gemm.WeightGradient(compute.Pool, dy, pooled, tokens, OutFeatures, groups, _sinks.Zeros);
    }

    private void AddScales(Granularity granularity, Parameterization parameterization, out Parameter? row, out Parameter? column, out Parameter? group, out Parameter? scale)
    {
        (row, column, group, scale) = (null, null, null, null);
        if (parameterization == Parameterization.Scale)
        {
            if (granularity != Granularity.Group && !(granularity == Granularity.Channel && _weight.Groups == 1))
                throw new ArgumentException($"{Name}: {_weight.Groups} groups a row cannot be trained as absolute scales by {granularity.ToString().ToLowerInvariant()}; "
                    + "use the granularity group, or train factors", nameof(parameterization));
            scale = Add("scale", Floor, OutFeatures, _weight.Groups);
            _start.Scale.Span.CopyTo(scale.Value.Span);
            return;
        }
        if (granularity == Granularity.Separable)
        {
            row = AddFactor("row_factor", OutFeatures);
            column = AddFactor("column_factor", _weight.Groups);
        }
        else if (granularity == Granularity.Channel)
            row = AddFactor("factor", OutFeatures);
        else if (_weight.Groups == 1)
            row = AddFactor("factor", OutFeatures, 1);
        else
            group = AddFactor("factor", OutFeatures, _weight.Groups);
    }

    private Parameter AddFactor(string name, params int[] shape)
    {
        var factor = Add(name, Floor, shape);
        factor.Value.Span.Fill(1f);
        return factor;
    }

    private Parameter Add(string name, float floor, params int[] shape)
    {
        var parameter = new Parameter($"{Name}.{name}", shape) { IsQuantizerState = true, FloorFraction = floor };
        _parameters.Add(parameter);
        return parameter;
    }

    private static ReadOnlySpan<float> Values(Parameter? parameter) => parameter is null ? [] : parameter.Value.Span;

    private static void AddQuotients(ReadOnlySpan<float> sums, Parameter parameter)
    {
        var value = parameter.Value.Span;
        var gradient = parameter.Gradient.Span;
        for (var i = 0; i < sums.Length; i++)
            if (value[i] != 0)
                gradient[i] += sums[i] / value[i];
    }
}
