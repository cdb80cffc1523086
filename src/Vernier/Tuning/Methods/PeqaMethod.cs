using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning.Methods;

/// <summary>PEQA: codes frozen, scales trained (METHODS: arXiv 2305.14152). Adapter tensors, one set a module:
/// <c>factor</c> [out] or [out, groups], <c>row_factor</c> [out] with <c>column_factor</c> [groups], <c>scale</c> [out, groups], <c>zero</c> [out, groups];
/// <see cref="PeqaFactors"/> says how they act.</summary>
public sealed class PeqaMethod : TuningMethod
{
    public override string Name => "peqa";

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var sinks = new PeqaSinks(compute.Pool.Threads);
        // A file may keep some of its layers in full precision: those have no codes and stay as they are.
        var tunesOwnCodes = options.Bits is null && decoder.Linears.Any(l => l.Weight is PackedMatrix);
        decoder.ReplaceLinears(linear => tunesOwnCodes && linear.Weight is not PackedMatrix ? linear : new PeqaLinear(linear.Name, PackedBase.Of(linear, options), linear.Bias,
            options.Granularity, options.Parameterize, options.Train, sinks));
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute) =>
        decoder.ReplaceLinears(linear => linear is PeqaLinear ? new FrozenLinear(linear.Name, linear.Weight, linear.Bias) : linear);
}
