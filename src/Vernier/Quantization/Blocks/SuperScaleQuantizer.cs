using Vernier.Files.Gguf.Blocks;

namespace Vernier.Quantization.Blocks;

/// <summary>Blocks of 256 values whose groups have integer scales under one fp16 factor: Q3_K, Q6_K, IQ4_XS.</summary>
internal sealed class SuperScaleQuantizer<TLevels>(BlockFormat format, TLevels levels, int starts, int leastScale, int mostScale) : BlockQuantizer(format)
    where TLevels : struct, ILevels
{
    private const int Rounds = 4;
    private const int MostGroups = 16;

    // Factors are often subnormal in fp16, of few bits: one that uses half of the integers' range may lie nearer.
    private static readonly float[] s_shares = [1, 0.98f, 0.96f, 0.93f, 0.88f, 0.8f, 0.7f, 0.6f, 0.5f, 1.04f];

    private int Groups => Format.BlockSize / Size;

    private int Size => Format.Codes!.GroupSize;

    protected override void QuantizeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        Span<float> wanted = stackalloc float[MostGroups];
        for (var g = 0; g < Groups; g++)
            wanted[g] = ScaleSearch.Best(Group(x, g), Group(w, g), levels, starts);
        var extreme = ScaleSearch.Extreme(wanted[..Groups]);
        Span<int> best = stackalloc int[MostGroups];
        var (d, error) = (Half.Zero, float.PositiveInfinity);
        foreach (var share in s_shares)
        {
            Descend(x, w, wanted, Halves.Nearest(extreme / (leastScale * share)), best, ref d, ref error);
            Descend(x, w, wanted, Halves.Nearest(extreme / (mostScale * share)), best, ref d, ref error);
        }
        Span<byte> codes = stackalloc byte[x.Length];
        for (var i = 0; i < codes.Length; i++)
        {
            var scale = (float)d * best[i / Size];
            codes[i] = levels.Code(scale != 0 ? x[i] * (1 / scale) : 0);
        }
        SuperBlocks.Join(Format, codes, best[..Groups], [], d, Half.Zero, block);
    }

    /// <summary>In turns the integer scales for the factor, and the factor for scales and codes, as long as the error falls.</summary>
    private void Descend(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> wanted, Half factor, Span<int> best, ref Half d, ref float error)
    {
        Span<int> scales = stackalloc int[MostGroups];
        for (var round = 0; round < Rounds; round++)
        {
            var (found, next) = Round(x, w, wanted, (float)factor, scales);
            if (found < error)
            {
                (d, error) = (factor, found);
                scales.CopyTo(best);
            }
            else if (round > 0)
            {
                return;
            }
            if (Halves.Nearest(next) == factor)
                return;
            factor = Halves.Nearest(next);
        }
    }

    /// <summary>The integer scale of least error for every group.</summary>
    /// <returns>The error, and the factor of least squares for these scales and codes.</returns>
    private (float Error, float Factor) Round(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> wanted, float factor, Span<int> scales)
    {
        var (error, input, level) = (0f, 0.0, 0.0);
        for (var g = 0; g < Groups; g++)
        {
            var exact = factor != 0 ? Math.Clamp(wanted[g] / factor, leastScale, mostScale) : 0;
            var (near, other) = ((int)MathF.Round(exact), (int)MathF.Round(exact) + (exact > MathF.Round(exact) ? 1 : -1));
            var sums = ScaleSums.Of(Group(x, g), Group(w, g), factor * near, levels);
            scales[g] = near;
            if (other >= leastScale && other <= mostScale && ScaleSums.Of(Group(x, g), Group(w, g), factor * other, levels) is var second && second.Error < sums.Error)
                (sums, scales[g]) = (second, other);
            error += sums.Error;
            input += (double)scales[g] * sums.Input;
            level += (double)scales[g] * scales[g] * sums.Level;
        }
        return (error, level > 0 ? (float)(input / level) : 0);
    }

    private ReadOnlySpan<float> Group(ReadOnlySpan<float> all, int group) => all.Slice(group * Size, Size);
}
