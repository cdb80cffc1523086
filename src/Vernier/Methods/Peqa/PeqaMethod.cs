using Vernier.Kernels;
using Vernier.Methods.AlphaTuning;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Methods.Peqa;

/// <summary>PEQA: codes frozen, scales trained (METHODS: arXiv 2305.14152). Adapter tensors, one set a module:
/// <c>factor</c> [out] or [out, groups], <c>row_factor</c> [out] with, where a row has several, <c>column_factor</c> [groups], <c>factor_u</c> [out, rank] with <c>factor_v</c> [groups, rank],
/// <c>scale</c> [out, groups], <c>zero</c> [out, groups];
/// <see cref="PeqaFactors"/> says how they act.</summary>
public sealed class PeqaMethod : TuningMethod
{
    /// <summary>The scheme that this method knows beside those of every method: binary codes, whose α are trained (AlphaTuning); adapter tensor <c>alpha</c> [out, groups, bits].</summary>
    public const string BinaryScheme = "bcq";

    public override string Name => "peqa";

    /// <summary>A hundredth of what starts near 1: factors, and zero points in units of a code. A low-rank factor moves with all its columns at once, so
    /// half of that. Scales themselves, and the α of binary codes, are as small as the weights, and such steps would undo them.</summary>
    internal static float DefaultLearningRate(TuneOptions options) => options switch
    {
        { Train: TrainedState.Zeros } => 1e-2f,
        { Scheme: BinaryScheme } or { Parameterize: Parameterization.Scale } => 4e-4f,
        { Granularity: Granularity.LowRank } => 5e-3f,
        _ => 1e-2f,
    };

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        if (options.Scheme == BinaryScheme)
        {
            ApplyBinary(decoder, options, compute);
            return;
        }
        var sinks = new PeqaSinks(compute.Pool.Threads);
        // A file may keep some of its layers in full precision: those have no codes and stay as they are.
        var tunesOwnCodes = options.Bits is null && decoder.Linears.Any(l => l.Weight is PackedMatrix);
        decoder.ReplaceLinears(linear =>
        {
            if (tunesOwnCodes && linear.Weight is not PackedMatrix)
                return linear;
            var start = PackedBase.Of(linear, options);
            var tuned = new PeqaLinear(linear.Name, start, linear.Bias, options.Granularity, options.Parameterize, options.Train, sinks, LoraAdapter.RankOf(linear.Name, options));
            start.Dispose();
            return tuned;
        });
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors);

    public override void Merge(Decoder decoder, Compute compute) => decoder.ReplaceLinears(linear =>
    {
        (linear as PeqaLinear)?.KeepFactors();
        return linear is PeqaLinear or BinaryCodedLinear ? new FrozenLinear(linear.Name, linear.Weight, linear.Bias) : linear;
    });

    private static void ApplyBinary(Decoder decoder, TuneOptions options, Compute compute)
    {
        if (options.Bits is not (>= 2 and <= BinaryCodedMatrix.MostBits))
            throw new ArgumentException($"the scheme bcq quantizes the model itself: give --bits 2 to {BinaryCodedMatrix.MostBits}", nameof(options));
        if (options.Train != TrainedState.Scales)
            throw new ArgumentException("binary codes have no zero points to train", nameof(options));
        var sink = new BinaryCodeSink(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            var coded = BinaryCoding.Quantize(linear.Weight, options.Bits.Value, options.Group, compute.Pool.Cancellation);
            linear.Weight.Dispose();
            return new BinaryCodedLinear(linear.Name, coded, linear.Bias, sink);
        });
    }
}
