using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Methods.AlphaTuning;

/// <summary>A linear of binary codes whose α are trained while the codes stay (AlphaTuning, arXiv 2210.03858): dα_k = Σ_{j∈group} G_ij b_kj, G = dYᵀX as tiles.</summary>
internal sealed class BinaryCodedLinear : Linear
{
    private readonly BinaryCodedMatrix _weight;
    private readonly BinaryCodeSink _sink;
    private readonly Parameter[] _parameters;

    /// <param name="weight">Its α become the parameter's values.</param>
    /// <param name="sink">Shared by all layers.</param>
    internal BinaryCodedLinear(string name, BinaryCodedMatrix weight, Parameter? bias, BinaryCodeSink sink)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        var alpha = new Parameter(name + ".alpha", weight.Rows, weight.Codes.Groups, weight.Codes.Bits) { IsQuantizerState = true, FloorFraction = Parameter.ScaleFloor };
        weight.Alphas.Span.CopyTo(alpha.Value.Span);
        _weight = weight;
        _sink = sink;
        _parameters = [alpha];
    }

    internal override WeightMatrix Weight => _weight;

    internal override PackedMatrix? Codes => _weight.Codes;

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) => Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _weight, dx, accumulate);
        _sink.Begin(_weight.Codes, _parameters[0].Gradient);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sink);
    }

    internal override Linear Merged() => new FrozenLinear(Name, Weight, Bias);

    public override void ParametersChanged() => _parameters[0].Value.Span.CopyTo(_weight.Alphas.Span);
}
