using Vernier.Kernels;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.QatLora;

/// <summary>Y = X Wqᵀ + scaling (X Aᵀ) Bᵀ, Wq = quantize(W0; s, β) of a frozen W0, with s and β learned through the rounding and the adapter kept apart (QAT-LoRA).</summary>
internal sealed class QatLoraLinear : Linear
{
    private readonly FakeQuantizedMatrix _quantized;
    private readonly LearnedGridSink _sink;
    private readonly LowRankPath _path;
    private readonly Parameter[] _parameters;

    internal QatLoraLinear(string name, WeightMatrix weight, Parameter? bias, LowRankFactors factors, LearnedGrid grid, LearnedGridSink sink)
        : base(name, weight.Columns, weight.Rows, bias)
    {
        Grid = grid;
        _sink = sink;
        _path = new LowRankPath(factors);
        _quantized = new FakeQuantizedMatrix(weight, grid);
        Weight = new LowRankSumMatrix(_quantized, factors);
        _parameters = [factors.A, factors.B, grid.Scale, grid.Offset!];
    }

    /// <summary>Wq + scaling · B A.</summary>
    internal override WeightMatrix Weight { get; }

    /// <summary>A and B.</summary>
    public LowRankFactors Factors => _path.Factors;

    /// <summary>Wq.</summary>
    public WeightMatrix Quantized => _quantized;

    /// <summary>s and β.</summary>
    public LearnedGrid Grid { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Parameter> Parameters => _parameters;

    /// <inheritdoc/>
    public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
    {
        Gemm.Forward(compute.Pool, x, tokens, _quantized, y);
        _path.AddForward(compute, x, tokens, y);
    }

    /// <inheritdoc/>
    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
    {
        if (!dx.IsEmpty)
            Gemm.BackwardInput(compute.Pool, dy, tokens, _quantized, dx, accumulate);
        _path.AddBackward(compute, x, dy, tokens, dx);
        _sink.Begin(Grid, _quantized.Source, next: null);
        Gemm.WeightGradient(compute.Pool, dy, x, tokens, OutFeatures, InFeatures, _sink);
    }

    /// <inheritdoc/>
    public override void ParametersChanged() => Grid.Refresh();

    /// <summary>The integer weight beside which the adapter stays.</summary>
    public PackedMatrix Pack() => Grid.Pack(_quantized.Source);

    internal override Linear Merged() => new LoraLinear(Name, Pack(), Bias, Factors);
}
