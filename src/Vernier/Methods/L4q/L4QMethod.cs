using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.L4q;

/// <summary>L4Q: low-rank factors, steps and offsets trained through the rounding of the merged weight; the result is one integer model.
/// Adapter tensors, one set a module: <c>lora_A</c> [rank, in], <c>lora_B</c> [out, rank], <c>scale</c> and <c>offset</c> [out, groups].
/// Linears that are not targeted are quantized by round to nearest and frozen.</summary>
public sealed class L4QMethod : TuningMethod
{
    private L4QSinks? _sinks;

    public override string Name => "l4q";

    public override bool KeepsCodes => false;

    public override bool Rounds(TuneOptions options) => true;

    public override IReadOnlyList<(string Name, double Value)> TakeFigures() => _sinks?.Grid.TakeFigures() ?? [];

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        var start = ParseStart(options.Init ?? "l4q");
        var half = RoundsToHalf(options);
        var isTarget = LinearTargets.Parse(options.Targets ?? "all");
        var sinks = _sinks = new L4QSinks(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            if (!isTarget(linear.Name))
                return new FrozenLinear(linear.Name, PackedBase.Of(linear, options), linear.Bias);
            var (bits, group) = PackedBase.GridOf(linear, options);
            var grid = new LearnedGrid(linear.Name, linear.Weight, bits, group, start, trainsOffset: true, options.GradientScale, half);
            return new L4QLinear(linear.Name, linear.Weight, linear.Bias, LoraAdapter.Factors(linear, options), grid, sinks);
        });
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute) => decoder.ReplaceLinears(linear =>
    {
        if (linear is not L4QLinear l4q)
            return linear;
        var packed = l4q.Pack();
        l4q.Weight.Dispose();
        return new FrozenLinear(l4q.Name, packed, l4q.Bias);
    });

    /// <summary>Whether scales and offsets are rounded to fp16 in the loop.</summary>
    /// <exception cref="ArgumentException">A format that cannot hold a float offset.</exception>
    internal static bool RoundsToHalf(TuneOptions options) => options.ExportFormat switch
    {
        null => false,
        "gguf" or "mlx" => true,
        _ => throw new ArgumentException($"export format '{options.ExportFormat}' holds no offset for each group; known: gguf, mlx", nameof(options)),
    };

    /// <summary>The starts that L4Q and QAT-LoRA offer.</summary>
    /// <exception cref="ArgumentException">Unknown name.</exception>
    internal static GridStart ParseStart(string name) => name switch
    {
        "l4q" => GridStart.L4Q,
        "lsq+" => GridStart.LsqPlus,
        "symm" => GridStart.Symmetric,
        "asymm" => GridStart.Asymmetric,
        _ => throw new ArgumentException($"unknown start '{name}'; known: l4q, lsq+, symm, asymm", nameof(name)),
    };
}
