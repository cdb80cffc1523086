using Vernier.Kernels;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.QaLora;

/// <summary>Y = X Ŵᵀ + scaling (X̄ Aᵀ) Bᵀ with X̄ the sums of the input over each group (QA-LoRA, arXiv 2309.14717). B A [out, groups] shifts a whole group
/// at once, so it is a change of the group's offset, o' = o + scaling · B A (z' = z - scaling · B A / s): the layer computes with the merged offsets
/// from the start, one product forward and one back, and the merge is exact by construction.</summary>
internal sealed class QaLoraLinear : Linear
{
    private static readonly WorkspaceSlot s_pooled = new();
    private readonly PackedMatrix _weight;
    private readonly TunedScales _scales;
    private readonly StoredScales _start;
    private readonly LowRankSink _sink;
    private readonly Parameter[] _parameters;

    /// <param name="weight">Its scales are the start: the layer shares its codes and tunes scales of its own.</param>
    /// <param name="factors">A [rank, groups], B [out, rank].</param>
    internal QaLoraLinear(string name, PackedMatrix weight, Parameter? bias, LowRankFactors factors, LowRankSink sink)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        _scales = new TunedScales(weight.Scales);
        _weight = weight.WithScales(_scales);
        _start = StoredScales.Of(weight.Scales);
        Factors = factors;
        _sink = sink;
        _parameters = [factors.A, factors.B];
        ParametersChanged();
    }

    internal override WeightMatrix Weight => _weight;

    /// <summary>A and B.</summary>
    public LowRankFactors Factors { get; }

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    // dA = scaling Bᵀ Z and dB = scaling Z Aᵀ with Z = dYᵀ X̄ [out, groups].
    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _weight, dx, accumulate);
        var pooled = compute.Scratch(s_pooled, tokens * _weight.Groups);
        GroupSums.Pool(x, tokens, _weight, pooled);
        _sink.Begin(Factors);
        Gemm.WeightGradient(compute.Pool, dy, pooled, tokens, OutFeatures, _weight.Groups, _sink);
        _sink.End();
    }

    internal override Linear Merged() => new FrozenLinear(Name, Weight, Bias);

    public override void ParametersChanged()
    {
        var (scale, offset) = (_scales.Scale, _scales.Offset);
        for (var row = 0; row < OutFeatures; row++)
            _start.View.ReadRow(row, scale.Slice((long)row * _weight.Groups, _weight.Groups), offset.Slice((long)row * _weight.Groups, _weight.Groups));
        LowRank.AddProduct(offset.Span, _weight.Groups, 0, OutFeatures, 0, _weight.Groups, Factors.B.Value.Span, Factors.A.Value.Span, Factors.Rank, _weight.Groups, Factors.Scaling);
    }
}
