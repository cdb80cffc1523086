using Vernier.Kernels;
using Vernier.Methods.LearnedGrids;
using Vernier.Models;

namespace Vernier.Methods.Qat;

/// <summary>Quantization-aware training (LSQ, arXiv 1902.08153): Y = X quantize(W; s)ᵀ, W and s both trained, straight through the rounding.</summary>
internal sealed class QatLinear : LearnedGridLinear
{
    private readonly DenseGradientSink _weightSum;
    private readonly Parameter[] _parameters;

    /// <param name="weight">Becomes the start of a trained fp32 copy.</param>
    internal QatLinear(string name, WeightMatrix weight, Parameter? bias, Func<WeightMatrix, LearnedGrid> grid, LearnedGridSink sink)
        : this(name, new Parameter(name + ".weight", weight.Rows, weight.Columns) { Decays = true }, weight, bias, grid, sink)
    {
    }

    private QatLinear(string name, Parameter master, WeightMatrix start, Parameter? bias, Func<WeightMatrix, LearnedGrid> grid, LearnedGridSink sink)
        : base(name, Copy(start, master), bias, grid, sink)
    {
        Master = master;
        _weightSum = new DenseGradientSink(master.Gradient, InFeatures);
        _parameters = Grid.Offset is null ? [master, Grid.Scale] : [master, Grid.Scale, Grid.Offset];
    }

    /// <summary>W, [out, in].</summary>
    public Parameter Master { get; }

    public override IReadOnlyList<Parameter> Parameters => _parameters;

    public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate) =>
        Backward(compute, x, dy, tokens, dx, accumulate, _weightSum);

    /// <summary>A matrix over the parameter's memory, with the values of the start.</summary>
    private static DenseMatrix Copy(WeightMatrix start, Parameter master)
    {
        var source = new DenseMatrix(start.Rows, start.Columns, master.Value);
        for (var row = 0; row < start.Rows; row++)
            start.ReadTile(row, 1, 0, start.Columns, source.Row(row), start.Columns);
        return source;
    }
}
