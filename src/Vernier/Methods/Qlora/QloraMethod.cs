using Vernier.Kernels;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Quantization;
using Vernier.Tuning;

namespace Vernier.Methods.Qlora;

/// <summary>QLoRA: every linear quantized and frozen, low-rank factors beside the targeted ones, from zero or from LoftQ's start.
/// There is no merge without loss, so inference keeps the extra path.</summary>
internal sealed class QloraMethod() : BuiltInMethod("qlora", "low-rank factors beside a quantized, frozen model")
{
    private const string Nf4Scheme = "nf4";
    private const int Nf4Bits = 4;

    /// <summary><see cref="Nf4"/>.</summary>
    public override IReadOnlyList<string> OwnSchemes => [Nf4Scheme];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Starts => ["zero", "loftq"];

    /// <inheritdoc/>
    public override string DefaultTargets => LoraAdapter.DefaultTargets;

    /// <inheritdoc/>
    public override float LearningRate(TuneOptions options) => 2e-3f;

    /// <inheritdoc/>
    public override bool HasRank(TuneOptions options) => true;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options)
    {
        var packed = options.Scheme == Nf4Scheme ? shape with { Bits = Nf4Bits, Group = GroupOf(options) } : shape.With(options);
        return new(packed, LoraAdapter.Trained(packed, options), packed.LoadedBytes, Products: 2);
    }

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        switch (options.Init ?? "zero")
        {
            case "zero":
                LoraAdapter.Insert(decoder, options, linear => Replaced(linear, options));
                break;
            case "loftq":
                ApplyLoftQ(decoder, options, compute.Pool.Cancellation);
                break;
            default:
                throw new ArgumentException($"unknown start '{options.Init}'; known: zero, loftq", nameof(options));
        }
    }

    /// <inheritdoc/>
    public override string? PeftType => LoraAdapter.PeftType;

    /// <inheritdoc/>
    protected override string TensorName(string parameter) => LoraAdapter.PeftName(parameter);

    /// <inheritdoc/>
    public override TensorKind? KindOf(string tensor) => LowRankOptions.KindOf(tensor);

    /// <inheritdoc/>
    public override MergeResult Merges => MergeResult.BesideCodes;

    /// <inheritdoc/>
    public override ExportTarget Export(TuneOptions options, ExportSource source) => ExportTarget.BesideCodes;

    private static int GroupOf(TuneOptions options) => options.Group == 0 ? Nf4.DefaultGroup : options.Group;

    private static PackedMatrix Replaced(Linear linear, TuneOptions options)
    {
        if (options.Scheme != Nf4Scheme)
            return PackedBase.Of(linear, options);
        var packed = Quantize(linear.Weight, options);
        linear.Weight.Dispose();
        return packed;
    }

    private static PackedMatrix Quantize(WeightMatrix weight, TuneOptions options)
    {
        if (options.Scheme != Nf4Scheme)
            return RoundToNearest.Quantize(weight, options.Bits!.Value, options.Group, QuantizationScheme.Grid(options.Scheme));
        if (options.Bits is not (null or Nf4Bits))
            throw new ArgumentException($"nf4 has {Nf4Bits} bits, not {options.Bits}", nameof(options));
        return Nf4.Quantize(weight, GroupOf(options));
    }

    // Codes depend on the factors here, so only targeted linears get LoftQ's codes; the others are rounded as they are.
    private static void ApplyLoftQ(Decoder decoder, TuneOptions options, CancellationToken cancel)
    {
        if (options.Bits is null && options.Scheme != Nf4Scheme)
            throw new ArgumentException("the start loftq quantizes the model itself: give --bits (and --group)", nameof(options));
        var isTarget = LinearTargets.Parse(options.Targets ?? LoraAdapter.DefaultTargets);
        decoder.ReplaceLinears(linear =>
        {
            if (!isTarget(linear.Name))
                return new FrozenLinear(linear.Name, Replaced(linear, options), linear.Bias);
            var factors = LowRankOptions.Factors(linear, options);
            var (quantized, b, a) = LoftQ.Decompose(linear.Weight, factors.Rank, weight => Quantize(weight, options), cancel);
            for (var i = 0; i < b.Length; i++)
                factors.B.Value.Span[i] = b[i] / factors.Scaling;
            a.CopyTo(factors.A.Value.Span);
            linear.Weight.Dispose();
            return new LoraLinear(linear.Name, quantized, linear.Bias, factors);
        });
    }
}
