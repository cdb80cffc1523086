using Vernier.Models;

namespace Vernier.Methods.Full;

/// <summary>Full fine-tuning in fp32: the linears of the blocks, or (scope all) every parameter of the model. A quantized model is dequantized first.
/// The adapter file holds the trained tensors under their Hugging Face names.</summary>
public sealed class FullMethod : TuningMethod
{
    public override string Name => "full";

    public override bool KeepsCodes => false;

    public override bool Rounds(TuneOptions options) => false;

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        decoder.ReplaceLinears(linear =>
        {
            var trainable = new DenseTrainableLinear(linear.Name, linear.Weight, linear.Bias);
            linear.Weight.Dispose();
            return trainable;
        });
        decoder.TrainAll(options.Scope == TuneScope.All);
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute)
    {
        decoder.TrainAll(false);
        decoder.ReplaceLinears(linear => linear is DenseTrainableLinear ? new FrozenLinear(linear.Name, linear.Weight, linear.Bias) : linear);
    }
}
