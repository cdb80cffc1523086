using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Tuning;

/// <summary>The quantized weight that a method starts from: the file's own codes, or the weight quantized now when the options give bits.</summary>
internal static class PackedBase
{
    /// <exception cref="ArgumentException">The layer is not quantized and the options give no bits.</exception>
    public static PackedMatrix Of(Linear linear, TuneOptions options)
    {
        if (options.Bits is { } bits)
        {
            var packed = RoundToNearest.Quantize(linear.Weight, bits, options.Group, QuantizationScheme.Grid(options.Scheme));
            linear.Weight.Dispose();
            return packed;
        }
        return linear.Weight as PackedMatrix ?? throw NotQuantized(linear);
    }

    /// <summary>Bits and group of a grid that is learned: as the options say, else as the file has them.</summary>
    /// <exception cref="ArgumentException">The layer is not quantized and the options give no bits.</exception>
    public static (int Bits, int Group) GridOf(Linear linear, TuneOptions options)
    {
        if (options.Bits is { } bits)
            return (bits, options.Group);
        return linear.Weight is PackedMatrix packed ? (packed.Bits, packed.GroupSize) : throw NotQuantized(linear);
    }

    private static ArgumentException NotQuantized(Linear linear) => new($"{linear.Name} is not quantized: give --bits (and --group)");
}
