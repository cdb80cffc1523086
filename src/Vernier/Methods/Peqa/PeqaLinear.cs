using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.Peqa;

/// <summary>A packed linear whose scales are trained while its codes stay (PEQA, arXiv 2305.14152, eq. 2).
/// Every gradient comes from Ŵ alone: with ŵ = τ (s0 q + o0), dL/dτ = Σ G ŵ / τ over the weights that τ scales, G = dYᵀX.
/// For a whole row that sum is Σ_t dY Y; for a group of columns in all rows it is Σ_t dX X; only single groups need G itself, tile by tile.</summary>
internal sealed class PeqaLinear : Linear, ITableLinear
{
    private static readonly WorkspaceSlot s_rowSums = new(), s_columnSums = new(), s_inputGrad = new(), s_groupSums = new(), s_pooled = new();

    private readonly TunedScales _scales;
    private readonly StoredScales _start;
    private PackedMatrix _weight;
    private readonly PeqaSinks _sinks;
    private readonly int _blocks, _groupsInBlock; // of a row; of columns that share a factor
    private readonly bool _rows, _groups; // trained numbers span whole rows, or single groups or blocks of a row
    private readonly PeqaFactors _trained;
    private readonly List<Parameter> _parameters = [];

    /// <param name="weight">Its scales are the start: the layer shares its codes and tunes scales of its own.</param>
    /// <param name="sinks">Shared by all layers.</param>
    /// <param name="rank">Of low-rank factors; no other granularity has one.</param>
    /// <param name="singleGroups">Factors of every group, also where the file has one fp16 scale for several (<see cref="PackedMatrix.FactorGroupSize"/>) and cannot take them back.</param>
    /// <exception cref="ArgumentException">Absolute scales where one number must serve several groups.</exception>
    internal PeqaLinear(string name, PackedMatrix weight, Parameter? bias, Granularity granularity, Parameterization parameterization, TrainedState train, PeqaSinks sinks, int rank = 1, bool singleGroups = false)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        _scales = new TunedScales(weight.Scales);
        _weight = weight.WithScales(_scales);
        _start = StoredScales.Of(weight.Scales);
        _groupsInBlock = singleGroups ? 1 : weight.FactorGroupSize / weight.GroupSize;
        _blocks = (weight.Groups - 1) / _groupsInBlock + 1;
        if (train != TrainedState.Zeros)
            _trained = parameterization == Parameterization.Scale ? AddScale(granularity) : AddFactors(granularity, rank);
        if (train != TrainedState.Scales)
            _trained = _trained with { Zero = AddZeros() };
        _sinks = sinks;
        _groups = _blocks > 1 && (_trained.Group ?? _trained.Scale ?? _trained.U) is not null;
        _rows = !_groups && train != TrainedState.Zeros;
    }

    internal override WeightMatrix Weight => _weight;

    internal override WeightMatrix? PlainWeight => _weight;

    /// <summary>The scales before tuning.</summary>
    public ScaleView Start => _start.View;

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override bool NeedsOutput => _rows;

    public override bool NeedsInputGradient => _trained.Column is not null;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (_trained.Column is not null)
            BackwardColumns(compute, x, dy, tokens, dx, accumulate);
        else if (!dx.IsEmpty)
            Projections.BackwardInput(compute, dy, tokens, _weight, dx, accumulate);
        if (_rows)
            BackwardRows(compute, y, dy, tokens);
        if (_groups)
            BackwardGroups(compute, x, dy, tokens);
        if (_trained.Zero is not null)
            BackwardZeros(compute, x, dy, tokens);
    }

    public override void ParametersChanged() => _trained.Compose(_start.View, _scales, _groupsInBlock);

    /// <inheritdoc/>
    public IGradientTileSink BeginGradient()
    {
        _sinks.Groups.Begin(_weight, _groupsInBlock);
        return _sinks.Groups;
    }

    /// <summary>As a table the layer has neither output nor input's gradient at hand: all comes from the sums of single blocks.</summary>
    public void EndGradient()
    {
        var sums = _sinks.Groups.Sums;
        if (_trained.Row is { } row)
            for (var i = 0; i < OutFeatures; i++)
                AddQuotients([GroupSums.Sum(sums.Slice(i * _blocks, _blocks))], row, i);
        if (_trained.Column is { } column)
            for (var i = 0; i < OutFeatures; i++)
                AddQuotients(sums.Slice(i * _blocks, _blocks), column);
        if (_trained.Row is null)
            AddGradients(sums);
    }

    /// <summary>After tuning: where the scales are the start in fp16 or in two levels times factors of rows and of groups of columns, keeps them so.</summary>
    private void KeepFactors()
    {
        if (_trained is not { Group: null, U: null, Scale: null, Zero: null })
            return;
        if (_start.IsHalf && !_weight.ReadsHalves || _start.WithFactors(Values(_trained.Row), PeqaTensors.OfGroups(Values(_trained.Column), _weight.Groups, _groupsInBlock)) is not { } factored)
            return;
        var tuned = _weight;
        _weight = tuned.WithScales(factored);
        tuned.Dispose();
    }

    internal override Linear Merged()
    {
        KeepFactors();
        return new FrozenLinear(Name, Weight, Bias);
    }

    // dm_i = Σ_t dY_ti Y_ti / m_i; for one group a row, ds_i = Σ_t dY_ti Y_ti / s_i.
    private void BackwardRows(Compute compute, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens)
    {
        var sums = compute.Scratch(s_rowSums, OutFeatures);
        sums.Clear();
        ColumnDots.Accumulate(compute.Pool, dy, y, tokens, OutFeatures, sums);
        AddGradients(sums);
    }

    // dc_G = Σ_t Σ_{j∈G} dX_tj X_tj / c_G, with the dX of this layer alone.
    private void BackwardColumns(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        var sums = compute.Scratch(s_columnSums, InFeatures);
        sums.Clear();
        var shared = accumulate || dx.IsEmpty;
        var own = shared ? compute.Scratch(s_inputGrad, tokens * InFeatures) : dx;
        Projections.BackwardInput(compute, dy, tokens, _weight, own);
        if (shared && !dx.IsEmpty)
            ColumnDots.AccumulateAndAdd(compute.Pool, own, x, tokens, InFeatures, dx, sums);
        else
            ColumnDots.Accumulate(compute.Pool, own, x, tokens, InFeatures, sums);
        var perBlock = compute.Scratch(s_groupSums, _blocks);
        if (_groupsInBlock == 1)
            GroupSums.Pool(sums, 1, _weight, perBlock);
        else
            GroupSums.Pool(sums, 1, InFeatures, _weight.FactorGroupSize, perBlock);
        AddQuotients(perBlock, _trained.Column!);
    }

    // ds_iG = Σ_{j∈G} G_ij (q - z) = Σ_{j∈G} G_ij ŵ_ij / s_iG.
    private void BackwardGroups(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens)
    {
        _sinks.Groups.Begin(_weight, _groupsInBlock);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sinks.Groups);
        AddGradients(_sinks.Groups.Sums);
    }

    // dz_iG = -s_iG Σ_t dY_ti Σ_{j∈G} X_tj: the sum over a group commutes with the product, so it costs 1/g of one.
    private void BackwardZeros(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, int tokens)
    {
        var groups = _weight.Groups;
        var pooled = compute.Scratch(s_pooled, tokens * groups);
        GroupSums.Pool(x, tokens, _weight, pooled);
        _sinks.Zeros.Begin(_scales, _trained.Zero!.Gradient);
        Gemm.WeightGradient(compute.Pool, dy, pooled, tokens, OutFeatures, groups, _sinks.Zeros);
    }

    // From Σ G ŵ over what each number scales, rows or blocks.
    private void AddGradients(ReadOnlySpan<float> sums)
    {
        if (_trained.U is null)
            AddQuotients(sums, (_trained.Row ?? _trained.Group ?? _trained.Scale)!);
        else
            AddLowRank(sums, _trained.U, _trained.V!);
    }

    // τ = 1 + U Vᵀ: dτ = Σ G ŵ / τ, dU = dτ V, dV = dτᵀ U. A factor on its floor does not move with either.
    private void AddLowRank(ReadOnlySpan<float> sums, Parameter u, Parameter v)
    {
        var (blocks, rank) = (_blocks, u.Shape[1]);
        for (var i = 0; i < OutFeatures; i++)
        {
            var row = u.Value.Slice((long)i * rank, rank);
            var rowGradient = u.Gradient.Slice((long)i * rank, rank);
            for (var g = 0; g < blocks; g++)
            {
                var column = v.Value.Slice((long)g * rank, rank);
                var factor = PeqaFactors.LowRankFactor(row, column);
                if (factor <= Parameter.ScaleFloor)
                    continue;
                var gradient = sums[i * blocks + g] / factor;
                LowRank.AddScaled(column, gradient, rowGradient);
                LowRank.AddScaled(row, gradient, v.Gradient.Slice((long)g * rank, rank));
            }
        }
    }

    private PeqaFactors AddScale(Granularity granularity)
    {
        if (_groupsInBlock > 1 || granularity != Granularity.Group && !(granularity == Granularity.Channel && _weight.Groups == 1))
            throw new ArgumentException($"{Name}: {_weight.Groups} groups a row cannot be trained as absolute scales by {OptionValue.NameOf(granularity)}; "
                + "use the granularity group, or train factors", nameof(granularity));
        var scale = Add(PeqaTensors.Scale, Parameter.ScaleFloor, OutFeatures, _weight.Groups);
        _scales.ReadScale(0, scale.Value.Span.Length).CopyTo(scale.Value.Span);
        return new PeqaFactors { Scale = scale };
    }

    private PeqaFactors AddFactors(Granularity granularity, int rank) => granularity switch
    {
        // One block a row: a factor of the block in all rows would only repeat what the rows' factors do.
        Granularity.Separable when _blocks == 1 => new PeqaFactors { Row = AddFactor(PeqaTensors.RowFactor, OutFeatures) },
        Granularity.Separable => new PeqaFactors { Row = AddFactor(PeqaTensors.RowFactor, OutFeatures), Column = AddFactor(PeqaTensors.ColumnFactor, _blocks) },
        Granularity.Channel => new PeqaFactors { Row = AddFactor(PeqaTensors.Factor, OutFeatures) },
        Granularity.LowRank => new PeqaFactors { U = Add(PeqaTensors.LowRankLeft, 0, OutFeatures, rank), V = AddBasis(PeqaTensors.LowRankRight, rank) },
        _ when _blocks == 1 => new PeqaFactors { Row = AddFactor(PeqaTensors.Factor, OutFeatures, 1) },
        _ => new PeqaFactors { Group = AddFactor(PeqaTensors.Factor, OutFeatures, _blocks) },
    };

    // U is 0 and so every factor 1; V must not be, or neither would move. Cosines over the blocks: the first column alone is one factor per channel,
    // as many columns as blocks are any factor per block, and all are orthogonal and of one length, so that the rate means the same for each.
    private Parameter AddBasis(string name, int rank)
    {
        var basis = Add(name, 0, _blocks, rank);
        for (var g = 0; g < _blocks; g++)
            for (var k = 0; k < rank; k++)
                basis.Value.Span[g * rank + k] = k == 0 ? 1f : (float)(Math.Sqrt(2) * Math.Cos(Math.PI * (g + 0.5) * k / _blocks));
        return basis;
    }

    private Parameter AddZeros()
    {
        var parameter = Add(PeqaTensors.Zero, 0, OutFeatures, _weight.Groups);
        var (scale, offset) = _start.View.ToArrays();
        var zero = parameter.Value.Span;
        for (var i = 0; i < zero.Length; i++)
            zero[i] = scale[i] == 0 ? 0 : -offset[i] / scale[i];
        return parameter;
    }

    private Parameter AddFactor(string name, params int[] shape)
    {
        var factor = Add(name, Parameter.ScaleFloor, shape);
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

    private static void AddQuotients(ReadOnlySpan<float> sums, Parameter parameter, int first = 0)
    {
        var value = parameter.Value.Span[first..];
        var gradient = parameter.Gradient.Span[first..];
        for (var i = 0; i < sums.Length; i++)
            if (value[i] != 0)
                gradient[i] += sums[i] / value[i];
    }
}
