using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Six tokens at once with AVX-512 VBMI, codes of a byte: whole vectors of 512 bits, and what is summed stays in registers. Tokens behind the last are rounded too.</summary>
internal readonly unsafe struct StochasticRounding6Avx512 : IStochasticRounding
{
    private const int GroupSize = QuantizedActivations.GroupSize;

    /// <summary>Whether the processor has the instructions.</summary>
    public static bool IsSupported => Avx512Vbmi.IsSupported;

    [MethodImpl(Kernel.Body)]
    public static void Round(in StochasticTile tile, int first, int tokens, int group)
    {
        var (stride, groups) = ((long)tile.Stride, (long)tile.Groups);
        var scale = tile.Scale + group * stride;
        var middle = tile.Middle + group * stride;
        var noise = (byte*)(tile.Noise + group * stride / 2);
        var from = tile.Gradient + first * stride;
        var steps = tile.Steps + first * groups;
        var to = tile.Codes;
        var (t0, t1, t2) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (t3, t4, t5) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (n0, n1, n2) = (Vector256.Create(StochasticTile.Shift(first)).AsByte(), Vector256.Create(StochasticTile.Shift(first + 1)).AsByte(), Vector256.Create(StochasticTile.Shift(first + 2)).AsByte());
        var (n3, n4, n5) = (Vector256.Create(StochasticTile.Shift(first + 3)).AsByte(), Vector256.Create(StochasticTile.Shift(first + 4)).AsByte(), Vector256.Create(StochasticTile.Shift(first + 5)).AsByte());
        for (var row = 0L; row < stride; row += GroupSize, from += GroupSize, to += GroupSize, steps++)
        {
            var (s, m, n) = (Vector512.Load(scale + row), Vector512.Load(middle + row), Vector256.Load(noise + row));
            t0 = Token(from, *steps, n + n0, s, m, to, t0);
            t1 = Token(from + stride, steps[groups], n + n1, s, m, to + stride, t1);
            t2 = Token(from + 2 * stride, steps[2 * groups], n + n2, s, m, to + 2 * stride, t2);
            t3 = Token(from + 3 * stride, steps[3 * groups], n + n3, s, m, to + 3 * stride, t3);
            t4 = Token(from + 4 * stride, steps[4 * groups], n + n4, s, m, to + 4 * stride, t4);
            t5 = Token(from + 5 * stride, steps[5 * groups], n + n5, s, m, to + 5 * stride, t5);
        }
        var unit = tile.Unit * tile.GroupFactors[group];
        tile.Totals[0] = Vector512.Sum(t0) * unit;
        tile.Totals[1] = Vector512.Sum(t1) * unit;
        tile.Totals[2] = Vector512.Sum(t2) * unit;
        tile.Totals[3] = Vector512.Sum(t3) * unit;
        tile.Totals[4] = Vector512.Sum(t4) * unit;
        tile.Totals[5] = Vector512.Sum(t5) * unit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Token(short* from, float step, Vector256<byte> noise, Vector512<short> scale, Vector512<short> middle, byte* to, Vector512<float> sum)
    {
        var d = Vector512.Load(from);
        var p = Avx512BW.MultiplyHighRoundScale(d, scale) + Avx512BW.ConvertToVector512Int16(noise);
        var upperBytes = Vector512.Create(
            (byte)1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        Avx512Vbmi.PermuteVar64x8(p.AsByte(), upperBytes).GetLower().Store(to);
        var rounded = Avx512BW.MultiplyAddAdjacent(p & Vector512.Create((short)(-1 << GroupScaledGradient.FractionBits)), Vector512.Create((short)(1 << GroupScaledGradient.MiddleBits)));
        var rest = Avx512BW.MultiplyAddAdjacent(d, middle) - rounded;
        return Avx512F.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(rest), Vector512.Create(step), sum);
    }
}
