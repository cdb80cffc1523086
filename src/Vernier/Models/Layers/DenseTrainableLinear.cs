using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A linear layer whose whole weight is trained in fp32: full fine-tuning, and training from scratch.</summary>
internal sealed class DenseTrainableLinear : Linear
{
    private readonly DenseMatrix _weight;
    private readonly Parameter[] _parameters;
    private readonly DenseGradientSink _sum;

    /// <param name="weight">Copied; the original is left alone.</param>
    public DenseTrainableLinear(string name, WeightMatrix weight, Parameter? bias = null)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        WeightParameter = new Parameter(name + ".weight", weight.Rows, weight.Columns) { Decays = true };
        _weight = new DenseMatrix(weight.Rows, weight.Columns, WeightParameter.Value);
        for (var row = 0; row < weight.Rows; row++)
            weight.ReadTile(row, 1, 0, weight.Columns, _weight.Row(row), weight.Columns);
        _parameters = [WeightParameter];
        _sum = new DenseGradientSink(WeightParameter.Gradient, weight.Columns);
    }

    /// <summary>[out, in].</summary>
    public Parameter WeightParameter { get; }

    internal override WeightMatrix Weight => _weight;

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y) =>
        Gemm.Forward(compute.Pool, x, tokens, _weight, y);

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sum);
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _weight, dx, accumulate);
    }

    internal override Linear Merged() => new FrozenLinear(Name, Weight, Bias);
}
