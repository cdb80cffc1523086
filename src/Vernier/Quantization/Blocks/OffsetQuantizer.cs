using Vernier.Files.Gguf.Blocks;

namespace Vernier.Quantization.Blocks;

/// <summary>Blocks with one fp16 scale and one fp16 offset: Q4_1, Q5_1.</summary>
internal sealed class OffsetQuantizer(BlockFormat format, UniformLevels levels) : BlockQuantizer(format)
{
    protected override void QuantizeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        var totals = AffineSums.Totals.Of(x, w);
        var (scale, offset) = Stored(x, w, totals, AffineSearch.Best(x, w, totals, levels, sign: 0));
        Span<byte> codes = stackalloc byte[x.Length];
        var inverse = scale != 0 ? 1 / scale : 0;
        for (var i = 0; i < codes.Length; i++)
            codes[i] = levels.Code((x[i] - offset) * inverse);
        Format.Join(codes, [scale], [offset], block);
    }

    /// <summary>The neighbours in fp16 of least error: for each scale the offset that its codes ask for.</summary>
    private (float Scale, float Offset) Stored(ReadOnlySpan<float> x, ReadOnlySpan<float> w, AffineSums.Totals totals, (float Scale, float Offset) fit)
    {
        var (best, error) = ((0f, 0f), float.PositiveInfinity);
        var middle = Halves.Nearest(fit.Scale);
        foreach (var scale in (ReadOnlySpan<Half>)[middle, Halves.Down(middle), Halves.Up(middle)])
        {
            var wanted = AffineSums.Of(x, w, (float)scale, fit.Offset, levels).Offset(totals, (float)scale);
            foreach (var offset in (ReadOnlySpan<Half>)[Halves.Nearest(wanted), Halves.Nearest(fit.Offset)])
                if (scale >= Half.Zero && AffineSums.Of(x, w, (float)scale, (float)offset, levels).Error is var found && found < error)
                    (best, error) = (((float)scale, (float)offset), found);
        }
        return best;
    }
}
