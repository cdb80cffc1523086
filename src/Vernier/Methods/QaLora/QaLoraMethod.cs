using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.QaLora;

/// <summary>QA-LoRA: low-rank changes of the groups' offsets over a quantized weight, which merge exactly.
/// Adapter tensors, one set a module: <c>lora_A</c> [rank, groups], <c>lora_B</c> [out, rank].</summary>
internal sealed class QaLoraMethod() : BuiltInMethod("qa-lora", "low-rank changes of the zero points of a quantized model; merges exactly")
{
    /// <inheritdoc/>
    public override float LearningRate(TuneOptions options) => 2e-3f;

    /// <inheritdoc/>
    public override bool HasRank(TuneOptions options) => true;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options)
    {
        var packed = shape.With(options);
        var trained = Targets(options)(packed.Name) ? LowRankOptions.CountOf(packed.Name, options, packed.GroupsInRow(packed.Group), packed.Out) : 0;
        var scales = packed.Bits is null ? 0 : 8 * packed.Scales(packed.Group); // those in use, beside those of the start
        return new(packed, trained, packed.LoadedBytes + scales, Products: 2);
    }

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var isTarget = Targets(options);
        var sink = new LowRankSink(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            var packed = PackedBase.Of(linear, options);
            if (!isTarget(linear.Name))
                return new FrozenLinear(linear.Name, packed, linear.Bias);
            var factors = LowRankOptions.Factors(linear, options, inputs: packed.Groups);
            var tuned = new QaLoraLinear(linear.Name, packed, linear.Bias, factors, sink);
            packed.Dispose();
            return tuned;
        });
    }

    /// <inheritdoc/>
    public override TensorKind? KindOf(string tensor) => LowRankOptions.KindOf(tensor);
}
