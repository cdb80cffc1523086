using Vernier.Files.Gguf.Blocks;

namespace Vernier.Quantization.Blocks;

/// <summary>Blocks with one fp16 scale: Q4_0, Q5_0, Q8_0, IQ4_NL.</summary>
internal sealed class ScaleQuantizer<TLevels>(BlockFormat format, TLevels levels, int starts) : BlockQuantizer(format)
    where TLevels : struct, ILevels
{
    protected override void QuantizeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        var scale = (float)ScaleSearch.Stored(x, w, levels, ScaleSearch.Best(x, w, levels, starts));
        Span<byte> codes = stackalloc byte[x.Length];
        var inverse = scale != 0 ? 1 / scale : 0;
        for (var i = 0; i < codes.Length; i++)
            codes[i] = levels.Code(x[i] * inverse);
        Format.Join(codes, [scale], [-(Format.Codes!.ZeroPoint ?? 0) * scale], block);
    }
}
