using Vernier.Files.Gguf.Blocks;

namespace Vernier.Quantization.Blocks;

/// <summary>Floats to the blocks of one GGUF format, by a search for the codes and scales that this format can store and that make the weighted squared error
/// Σ w (x - y)² least: candidates for each scale, then in turns the nearest codes for the scales and the scales of least squares for the codes.
/// Any number of threads may use one.</summary>
internal abstract class BlockQuantizer(BlockFormat format)
{
    private static readonly float[] s_ones = [.. Enumerable.Repeat(1f, 256)];

    public BlockFormat Format { get; } = format;

    /// <summary>The quantizer of a format, or null where there is none.</summary>
    public static BlockQuantizer? Find(BlockFormat format) => format.Name switch
    {
        "Q4_0" => new ScaleQuantizer<UniformLevels>(format, new(-8, 7), starts: 12),
        "Q5_0" => new ScaleQuantizer<UniformLevels>(format, new(-16, 15), starts: 14),
        "Q8_0" => new ScaleQuantizer<UniformLevels>(format, new(-128, 127), starts: 12),
        "IQ4_NL" => new ScaleQuantizer<TableLevels>(format, new(format.Codes!.Table!), starts: 10),
        "Q4_1" => new OffsetQuantizer(format, new(0, 15)),
        "Q5_1" => new OffsetQuantizer(format, new(0, 31)),
        "Q3_K" => new SuperScaleQuantizer<UniformLevels>(format, new(-4, 3), starts: 8, leastScale: -32, mostScale: 31),
        "Q6_K" => new SuperScaleQuantizer<UniformLevels>(format, new(-32, 31), starts: 16, leastScale: -128, mostScale: 127),
        "IQ4_XS" => new SuperScaleQuantizer<TableLevels>(format, new(format.Codes!.Table!), starts: 10, leastScale: -32, mostScale: 31),
        "Q2_K" => new SuperOffsetQuantizer(format, new(0, 3), mostScale: 15),
        "Q4_K" => new SuperOffsetQuantizer(format, new(0, 15), mostScale: 63),
        "Q5_K" => new SuperOffsetQuantizer(format, new(0, 31), mostScale: 63),
        _ => null,
    };

    /// <summary>Quantizes whole blocks.</summary>
    /// <param name="x">Finite; no more than the format's largest scale times its largest level.</param>
    /// <param name="w">As many, none negative, of a mean near 1 and none 0 (see <see cref="Weights"/>); empty = all the same.</param>
    public void Quantize(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> bytes)
    {
        for (int at = 0, to = 0; at < x.Length; at += Format.BlockSize, to += Format.BlockBytes)
            QuantizeBlock(x.Slice(at, Format.BlockSize), w.IsEmpty ? s_ones.AsSpan(0, Format.BlockSize) : w.Slice(at, Format.BlockSize), bytes.Slice(to, Format.BlockBytes));
    }

    /// <summary>Importances as weights: of mean 1, and none so small that a value could become anything.</summary>
    public static float[] Weights(ReadOnlySpan<float> importance)
    {
        const float Least = 1e-5f;
        var mean = 0.0;
        foreach (var value in importance)
            mean += value;
        mean /= importance.Length;
        var weights = new float[importance.Length];
        for (var i = 0; i < weights.Length; i++)
            weights[i] = mean > 0 ? MathF.Max((float)(importance[i] / mean), Least) : 1;
        return weights;
    }

    protected abstract void QuantizeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block);
}
