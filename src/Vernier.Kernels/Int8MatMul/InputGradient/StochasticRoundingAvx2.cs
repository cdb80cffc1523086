using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Token by token, codes of a byte or of 16 bits.</summary>
internal readonly unsafe struct StochasticRoundingAvx2 : IStochasticRounding
{
    private const int GroupSize = QuantizedActivations.GroupSize;
    private const int Lanes = StochasticTile.Lanes;

    [MethodImpl(Kernel.Body)]
    public static void Round(in StochasticTile tile, int first, int tokens, int group)
    {
        var (stride, groups, isWide) = ((long)tile.Stride, (long)tile.Groups, tile.IsWide);
        var (fraction, ones) = (Vector256.Create((1 << GroupScaledGradient.FractionBits) - 1 | (1 << GroupScaledGradient.FractionBits) - 1 << 16).AsInt16(), Vector256<short>.One);
        var scale = tile.Scale + group * stride;
        var middle = tile.Middle + group * stride;
        var noise = tile.Noise + group * stride / 2;
        var gradient = tile.Gradient + first * stride;
        var steps = tile.Steps + first * groups;
        var codes = tile.Codes;
        var sums = tile.Sums;
        var shifts = tile.Shifts;
        for (var t = 0; t < tokens; t++)
        {
            shifts[t] = StochasticTile.Shift(first + t);
            Vector256<float>.Zero.Store(sums + t * Lanes);
        }
        var end = sums + tokens * Lanes;
        var codeBytes = isWide ? sizeof(short) : sizeof(sbyte);
        var distance = (long)stride * codeBytes;
        for (var row = 0L; row < stride; row += GroupSize)
        {
            var (s0, s1) = (Vector256.Load(scale + row), Vector256.Load(scale + row + 16));
            var (m0, m1) = (Vector256.Load(middle + row), Vector256.Load(middle + row + 16));
            var n = Vector256.Load(noise + row / 2);
            var step = steps + row / GroupSize;
            var from = gradient + row;
            var to = codes + row * codeBytes;
            var sum = sums;
            var shift = shifts;
            for (; sum < end; step += groups, from += stride, to += distance, sum += Lanes, shift++)
            {
                var (d0, d1) = (Vector256.Load(from), Vector256.Load(from + 16));
                var up = n + Vector256.Create(*shift).AsUInt16(); // two numbers of 8 bits each
                var c0 = Avx2.MultiplyHighRoundScale(d0, s0) + (up.AsInt16() & fraction) >> GroupScaledGradient.FractionBits;
                var c1 = Avx2.MultiplyHighRoundScale(d1, s1) + (up >> GroupScaledGradient.FractionBits).AsInt16() >> GroupScaledGradient.FractionBits;
                var c = Avx2.Permute4x64(Avx2.PackSignedSaturate(c0, c1).AsInt64(), 0xd8).AsSByte();
                if (isWide)
                {
                    c0.Store((short*)to);
                    c1.Store((short*)to + 16);
                }
                else
                {
                    c.AsByte().Store(to);
                }
                var rounded = Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Vector256<byte>.One, c), ones) << GroupScaledGradient.MiddleBits + GroupScaledGradient.FractionBits;
                var rest = Avx2.MultiplyAddAdjacent(d0, m0) + Avx2.MultiplyAddAdjacent(d1, m1) - rounded;
                Fma.MultiplyAdd(Vector256.ConvertToSingle(rest), Vector256.Create(*step), Vector256.Load(sum)).Store(sum);
            }
        }
        var unit = tile.Unit * tile.GroupFactors[group];
        for (var t = 0; t < tokens; t++)
            tile.Totals[t] = Vector256.Sum(Vector256.Load(sums + t * Lanes)) * unit;
    }
}
