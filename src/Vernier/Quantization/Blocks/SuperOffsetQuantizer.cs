using Vernier.Files.Gguf.Blocks;

namespace Vernier.Quantization.Blocks;

/// <summary>Blocks of 256 values whose groups have integer scales under one fp16 factor and integer minimums under another: Q2_K, Q4_K, Q5_K.
/// y = d S q - dmin M, with S and M not negative; dmin is negative where every value is positive.</summary>
internal sealed class SuperOffsetQuantizer(BlockFormat format, UniformLevels levels, int mostScale) : BlockQuantizer(format)
{
    private const int Rounds = 4;
    private const int MostGroups = 16;

    private static readonly float[] s_shares = [1, 0.96f, 0.92f, 0.87f, 0.8f, 1.05f];

    private int Groups => Format.BlockSize / Size;

    private int Size => Format.Codes!.GroupSize;

    /// <summary>What the groups would have if scales and offsets were not rounded.</summary>
    private ref struct Wanted
    {
        public Span<float> Scales, Offsets;
        public Span<AffineSums.Totals> Totals;
    }

    /// <summary>The best integers so far.</summary>
    private ref struct Found
    {
        public Span<int> Scales, Minimums;
        public Half D, Dmin;
        public float Error;
    }

    protected override void QuantizeBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        var wanted = new Wanted { Scales = stackalloc float[MostGroups], Offsets = stackalloc float[MostGroups], Totals = stackalloc AffineSums.Totals[MostGroups] };
        var best = new Found { Scales = stackalloc int[MostGroups], Minimums = stackalloc int[MostGroups], Error = float.PositiveInfinity };
        var sign = IsPositive(x) ? 1 : -1;
        var (largest, lowest) = (0f, 0f);
        for (var g = 0; g < Groups; g++)
        {
            wanted.Totals[g] = AffineSums.Totals.Of(Group(x, g), Group(w, g));
            (wanted.Scales[g], wanted.Offsets[g]) = AffineSearch.Best(Group(x, g), Group(w, g), wanted.Totals[g], levels, sign);
            largest = MathF.Max(largest, wanted.Scales[g]);
            lowest = MathF.Max(lowest, MathF.Abs(wanted.Offsets[g]));
        }
        foreach (var share in s_shares)
            Descend(x, w, wanted, Halves.Nearest(largest / (mostScale * share)), Halves.Nearest(-sign * lowest / mostScale), ref best);
        var d = best.D;
        foreach (var share in s_shares[1..])
            Descend(x, w, wanted, d, Halves.Nearest(-sign * lowest / (mostScale * share)), ref best);
        Span<byte> codes = stackalloc byte[x.Length];
        for (var i = 0; i < codes.Length; i++)
        {
            var (scale, offset) = ((float)best.D * best.Scales[i / Size], -((float)best.Dmin * best.Minimums[i / Size]));
            codes[i] = levels.Code(scale != 0 ? (x[i] - offset) * (1 / scale) : 0);
        }
        SuperBlocks.Join(Format, codes, best.Scales[..Groups], best.Minimums[..Groups], best.D, best.Dmin, block);
    }

    /// <summary>In turns the integers for the factors, and the factors for integers and codes, as long as the error falls.</summary>
    private void Descend(ReadOnlySpan<float> x, ReadOnlySpan<float> w, in Wanted wanted, Half d, Half dmin, ref Found best)
    {
        var now = new Found { Scales = stackalloc int[MostGroups], Minimums = stackalloc int[MostGroups], D = d, Dmin = dmin };
        for (var round = 0; round < Rounds; round++)
        {
            var next = Round(x, w, wanted, ref now);
            if (now.Error < best.Error)
            {
                (best.D, best.Dmin, best.Error) = (now.D, now.Dmin, now.Error);
                now.Scales.CopyTo(best.Scales);
                now.Minimums.CopyTo(best.Minimums);
            }
            else if (round > 0)
            {
                return;
            }
            if (next == (now.D, now.Dmin))
                return;
            (now.D, now.Dmin) = next;
        }
    }

    /// <summary>The integers of least error for every group under the factors of <paramref name="now"/>.</summary>
    /// <returns>The factors of least squares for these integers and codes: d Σ S²q² - dmin Σ S M q = Σ S q x and d Σ S M q - dmin Σ M² = Σ M x.</returns>
    private (Half D, Half Dmin) Round(ReadOnlySpan<float> x, ReadOnlySpan<float> w, in Wanted wanted, ref Found now)
    {
        now.Error = 0;
        var (ss, sm, mm, sx, mx) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (var g = 0; g < Groups; g++)
        {
            var sums = Fit(Group(x, g), Group(w, g), wanted.Totals[g], (wanted.Scales[g], wanted.Offsets[g]), now, out now.Scales[g], out now.Minimums[g]);
            now.Error += sums.Error;
            var (s, m) = ((double)now.Scales[g], (double)now.Minimums[g]);
            ss += s * s * sums.Level;
            sm += s * m * sums.First;
            mm += m * m * wanted.Totals[g].Weight;
            sx += s * sums.Input;
            mx += m * wanted.Totals[g].Input;
        }
        var determinant = ss * mm - sm * sm;
        if (determinant > 1e-9 * ss * mm)
            return (Halves.Nearest((float)((sx * mm - mx * sm) / determinant)), Halves.Nearest((float)((sx * sm - mx * ss) / determinant)));
        return (ss > 0 ? Halves.Nearest((float)(sx / ss)) : now.D, now.Dmin);
    }

    /// <summary>Integers near what a group wants: two or three scales, and for each the minimums beside what its codes ask for.</summary>
    private AffineSums Fit(ReadOnlySpan<float> x, ReadOnlySpan<float> w, AffineSums.Totals totals, (float Scale, float Offset) wanted, in Found now, out int scale, out int minimum)
    {
        var (d, dmin) = ((float)now.D, (float)now.Dmin);
        var best = new AffineSums(float.PositiveInfinity, 0, 0, 0);
        (scale, minimum) = (0, 0);
        var exact = d != 0 ? Math.Clamp(wanted.Scale / d, 0, mostScale) : 0;
        for (var s = Math.Max(0, (int)MathF.Ceiling(exact) - 1 - Wider); s <= Math.Min(mostScale, (int)MathF.Floor(exact) + 1 + Wider); s++)
        {
            var offset = AffineSums.Of(x, w, d * s, wanted.Offset, levels).Offset(totals, d * s);
            var m = (int)MathF.Floor(dmin != 0 ? Math.Clamp(-offset / dmin, 0, mostScale) : 0);
            for (var i = Math.Max(0, m - Wider); i <= Math.Min(mostScale, m + 1 + Wider); i++)
                if (AffineSums.Of(x, w, d * s, -(dmin * i), levels) is var found && found.Error < best.Error)
                    (best, scale, minimum) = (found, s, i);
        }
        return best;
    }

    /// <summary>Where scales have few bits, their neighbours are looked at too.</summary>
    private int Wider => mostScale < 32 ? 1 : 0;

    private static bool IsPositive(ReadOnlySpan<float> x)
    {
        foreach (var value in x)
            if (value <= 0)
                return false;
        return true;
    }

    private ReadOnlySpan<float> Group(ReadOnlySpan<float> all, int group) => all.Slice(group * Size, Size);
}
