using Vernier.Methods.LearnedGrids;
using Vernier.Models;

namespace Vernier.Methods.Qat;

/// <summary>QAT: weights and steps trained through the rounding (LSQ). It starts from round to nearest, whose zero points are kept, or (init lsq) from LSQ's symmetric steps.
/// Adapter tensors, one set a module: <c>weight</c> [out, in], <c>scale</c> [out, groups].</summary>
public sealed class QatMethod : TuningMethod
{
    private L4QSinks? _sinks;

    public override string Name => "qat";

    public override bool KeepsCodes => false;

    public override bool Rounds(TuneOptions options) => true;

    public override IReadOnlyList<(string Name, double Value)> TakeFigures() => _sinks?.Grid.TakeFigures() ?? [];

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var start = options.Init switch
        {
            null or "rtn" => GridStart.RoundToNearest,
            "lsq" => GridStart.Lsq,
            _ => throw new ArgumentException($"unknown start '{options.Init}'; known: rtn, lsq", nameof(options)),
        };
        var sinks = _sinks = new L4QSinks(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            var (bits, group) = PackedBase.GridOf(linear, options);
            var qat = new QatLinear(linear.Name, linear.Weight, linear.Bias, weight => new LearnedGrid(linear.Name, weight, bits, group, start, trainsOffset: false, options.GradientScale), sinks);
            linear.Weight.Dispose();
            return qat;
        });
        decoder.TrainAll(options.Scope == TuneScope.All);
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute)
    {
        decoder.TrainAll(false);
        decoder.ReplaceLinears(linear =>
        {
            if (linear is not QatLinear qat)
                return linear;
            var packed = qat.Pack();
            qat.Weight.Dispose();
            return new FrozenLinear(qat.Name, packed, qat.Bias);
        });
    }
}
