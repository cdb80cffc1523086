using Vernier.Methods.L4q;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.QatLora;

/// <summary>QAT-LoRA: steps and offsets of a frozen weight learned through its rounding, with low-rank factors that stay apart.
/// Adapter tensors as of L4Q. The merge keeps the adapter beside the integer weight.</summary>
public sealed class QatLoraMethod : TuningMethod
{
    private L4QSinks? _sinks;

    public override string Name => "qat-lora";

    public override bool KeepsCodes => false;

    public override bool Rounds(TuneOptions options) => true;

    public override IReadOnlyList<(string Name, double Value)> TakeFigures() => _sinks?.Grid.TakeFigures() ?? [];

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var start = L4QMethod.ParseStart(options.Init ?? "l4q");
        var half = L4QMethod.RoundsToHalf(options);
        var isTarget = LinearTargets.Parse(options.Targets ?? "all");
        var sinks = _sinks = new L4QSinks(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            if (!isTarget(linear.Name))
                return new FrozenLinear(linear.Name, PackedBase.Of(linear, options), linear.Bias);
            var (bits, group) = PackedBase.GridOf(linear, options);
            var grid = new LearnedGrid(linear.Name, linear.Weight, bits, group, start, trainsOffset: true, options.GradientScale, half);
            return new QatLoraLinear(linear.Name, linear.Weight, linear.Bias, LoraAdapter.Factors(linear, options), grid, sinks);
        });
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute) => decoder.ReplaceLinears(linear =>
        linear is QatLoraLinear qat ? new LoraLinear(qat.Name, qat.Pack(), qat.Bias, qat.Factors) : linear);
}
