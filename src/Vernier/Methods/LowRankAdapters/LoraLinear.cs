using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>Y = X Wᵀ + scaling (X Aᵀ) Bᵀ over a frozen weight, full-precision (LoRA, arXiv 2106.09685) or quantized (QLoRA, arXiv 2305.14314).</summary>
internal sealed class LoraLinear : Linear
{
    private readonly LowRankPath _path;
    private readonly Parameter[] _parameters;

    public LoraLinear(string name, WeightMatrix weight, Parameter? bias, LowRankFactors factors)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        Base = weight;
        Weight = new LowRankSumMatrix(weight, factors);
        _path = new LowRankPath(factors);
        _parameters = [factors.A, factors.B];
    }

    /// <summary>W + scaling · B A.</summary>
    internal override WeightMatrix Weight { get; }

    /// <summary>The frozen W.</summary>
    public WeightMatrix Base { get; }

    internal override PackedMatrix? Codes => Base as PackedMatrix;

    /// <summary>A and B.</summary>
    public LowRankFactors Factors => _path.Factors;

    internal override bool LiesBesideCodes => Base is PackedMatrix;

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
    {
        Gemm.Forward(compute.Pool, x, tokens, Base, y);
        _path.AddForward(compute, x, tokens, y);
    }

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, Base, dx, accumulate);
        _path.AddBackward(compute, x, dy, tokens, dx);
    }

    /// <summary>Full-precision weights take the path in; a packed weight keeps it beside itself, for merging would have to round again.</summary>
    internal override Linear Merged()
    {
        if (LiesBesideCodes)
            return this;
        var merged = new DenseMatrix(OutFeatures, InFeatures);
        for (var row = 0; row < merged.Rows; row++)
            Weight.ReadTile(row, 1, 0, merged.Columns, merged.Row(row), merged.Columns);
        Weight.Dispose();
        return new FrozenLinear(Name, merged, Bias);
    }
}
