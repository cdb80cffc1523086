using Vernier.Models;
using Vernier.Quantization;
using Vernier.Tuning;

namespace Vernier.Methods.AlphaTuning;

/// <summary>AlphaTuning (arXiv 2210.03858): binary codes made from the weights, whose α are trained. On the command line it is peqa with the scheme bcq.
/// Adapter tensor, one a module: <c>alpha</c> [out, groups, bits].</summary>
internal sealed class AlphaTuningMethod() : BuiltInMethod("peqa", "train the factors of binary codes")
{
    private const string BinaryScheme = "bcq";

    /// <inheritdoc/>
    public override string? Scheme => BinaryScheme;

    /// <inheritdoc/>
    public override IReadOnlyList<string> OwnSchemes => [BinaryScheme];

    /// <summary>α are as small as the weights.</summary>
    public override float LearningRate(TuneOptions options) => 4e-4f;

    /// <inheritdoc/>
    public override string Label(TuneOptions options) => $"{Name} {BinaryScheme}";

    /// <inheritdoc/>
    public override void Check(TuneOptions options, string dash)
    {
        if (options.Bits is not (>= 2 and <= BinaryCodedMatrix.MostBits))
            throw new ArgumentException($"the scheme bcq quantizes the model itself: give --bits 2 to {BinaryCodedMatrix.MostBits}", nameof(options));
        if (options.Train != TrainedState.Scales)
            throw new ArgumentException("binary codes have no zero points to train", nameof(options));
    }

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options)
    {
        var coded = shape.With(options);
        return coded.Bits is { } bits
            ? new(coded, bits * coded.Scales(coded.Group), coded.LoadedBytes + 8 * coded.Scales(coded.Group), Products: 3)
            : new(coded, 0, coded.LoadedBytes, Products: 2);
    }

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        Check(options, "");
        var sink = new BinaryCodeSink(compute.Pool.Threads);
        decoder.ReplaceLinears(linear =>
        {
            var coded = BinaryCoding.Quantize(linear.Weight, options.Bits!.Value, options.Group, compute.Pool.Cancellation);
            linear.Weight.Dispose();
            return new BinaryCodedLinear(linear.Name, coded, linear.Bias, sink);
        });
    }

    /// <inheritdoc/>
    public override TensorKind? KindOf(string tensor) => TensorKind.Multiplies;

    /// <summary>No format of integers holds binary codes.</summary>
    public override ExportTarget Export(TuneOptions options, ExportSource source) => new("hf", "no format of integers holds binary codes");
}
