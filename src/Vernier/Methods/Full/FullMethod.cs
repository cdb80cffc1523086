using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.Full;

/// <summary>Full fine-tuning in fp32: the linears of the blocks, or (scope all) every parameter of the model. A quantized model is dequantized first.
/// The adapter file holds the trained tensors under their Hugging Face names.</summary>
internal sealed class FullMethod() : BuiltInMethod("full", "full fine-tuning of the linears, or of every parameter")
{
    /// <inheritdoc/>
    public override float LearningRate(TuneOptions options) => 2e-5f;

    /// <inheritdoc/>
    public override bool NeedsCodes => false;

    /// <inheritdoc/>
    public override bool KeepsCodes => false;

    /// <inheritdoc/>
    public override bool Rounds(TuneOptions options) => false;

    /// <inheritdoc/>
    public override bool TrainsAll(TuneOptions options) => options.Scope == TuneScope.All;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options) => new(shape with { Bits = null }, shape.Weights, HeldBytes: 0, Products: 3);

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        decoder.ReplaceLinears(linear =>
        {
            var trainable = new DenseTrainableLinear(linear.Name, linear.Weight, linear.Bias);
            linear.Weight.Dispose();
            return trainable;
        });
        decoder.TrainAll(TrainsAll(options));
    }

    /// <inheritdoc/>
    public override TensorKind? KindOf(string tensor) => TensorKind.Adds;

    /// <inheritdoc/>
    public override ExportTarget Export(TuneOptions options, ExportSource source) => ExportTarget.FullPrecision;
}
