using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.QaLora;

/// <summary>QA-LoRA: low-rank changes of the groups' offsets over a quantized weight, which merge exactly.
/// Adapter tensors, one set a module: <c>lora_A</c> [rank, groups], <c>lora_B</c> [out, rank].</summary>
public sealed class QaLoraMethod : TuningMethod
{
    public override string Name => "qa-lora";

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var isTarget = LinearTargets.Parse(options.Targets ?? "all");
        var sink = new LowRankSink(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            var packed = PackedBase.Of(linear, options);
            if (!isTarget(linear.Name))
                return new FrozenLinear(linear.Name, packed, linear.Bias);
            var factors = LoraAdapter.Factors(linear, options, inputs: packed.Groups);
            var tuned = new QaLoraLinear(linear.Name, packed, linear.Bias, factors, sink);
            packed.Dispose();
            return tuned;
        });
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute) =>
        decoder.ReplaceLinears(linear => linear is QaLoraLinear ? new FrozenLinear(linear.Name, linear.Weight, linear.Bias) : linear);
}
