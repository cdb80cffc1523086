using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning.Methods;

/// <summary>QLoRA: every linear quantized and frozen, low-rank factors beside the targeted ones, from zero or from LoftQ's start.
/// There is no merge without loss, so inference keeps the extra path.</summary>
public sealed class QloraMethod : TuningMethod
{
    public override string Name => "qlora";

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute) =>
        LoraAdapter.Insert(decoder, options, linear => PackedBase.Of(linear, options));

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder, LoraAdapter.PeftName);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors, LoraAdapter.PeftName);

    public override void Merge(Decoder decoder, Compute compute)
    {
    }
}
