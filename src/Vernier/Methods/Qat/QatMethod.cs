using Vernier.Methods.LearnedGrids;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.Qat;

/// <summary>QAT: weights and steps trained through the rounding (LSQ). It starts from round to nearest, whose zero points are kept, or (init lsq) from LSQ's symmetric steps.
/// Adapter tensors, one set a module: <c>weight</c> [out, in], <c>scale</c> [out, groups].</summary>
internal sealed class QatMethod() : LearnedGridMethod("qat", "quantization-aware training of weights and steps")
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Starts => ["rtn", "lsq"];

    /// <inheritdoc/>
    public override float LearningRate(TuneOptions options) => 2e-5f;

    /// <inheritdoc/>
    public override bool TrainsAll(TuneOptions options) => options.Scope == TuneScope.All;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options)
    {
        var packed = shape.With(options);
        var scales = packed.Scales(packed.Group);
        return new(packed, packed.Weights + scales, LearnedGridOptions.GroupBytes * scales, Products: 3);
    }

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var start = options.Init switch
        {
            null or "rtn" => GridStart.RoundToNearest,
            "lsq" => GridStart.Lsq,
            _ => throw new ArgumentException($"unknown start '{options.Init}'; known: rtn, lsq", nameof(options)),
        };
        var sink = NewSink(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            var (bits, group) = PackedBase.GridOf(linear, options);
            var qat = new QatLinear(linear.Name, linear.Weight, linear.Bias, weight => new LearnedGrid(linear.Name, weight, bits, group, start, trainsOffset: false, options.GradientScale), sink);
            linear.Weight.Dispose();
            return qat;
        });
        decoder.TrainAll(TrainsAll(options));
    }
}
