using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The output gradients of a few tokens times the scales of one group of columns, as bytes e, rounded up or down at random with the right
/// mean. Σ e q is then Σ e (q - m) for the middle code m and, of what is not rounded, the part Σ dY (m s + o), which is one number a token.</summary>
internal readonly unsafe struct StochasticTile
{
    private const int GroupSize = QuantizedActivations.GroupSize;
    private const int Lanes = 8;

    private readonly int _stride;
    private readonly int _groups;
    private readonly bool _isWide;
    private readonly bool _sixAtOnce;
    private readonly float _unit;
    private readonly short* _gradient;
    private readonly float* _steps;
    private readonly short* _scale;
    private readonly short* _middle;
    private readonly float* _groupFactors;
    private readonly ushort* _noise;
    private readonly float* _totals;
    private readonly uint* _shifts;
    private readonly float* _sums;
    private readonly byte* _codes;

    /// <param name="memory"><see cref="Floats"/> floats.</param>
    /// <param name="tokens">Of a tile, at most 8.</param>
    /// <param name="bits">Of the weight's codes.</param>
    public StochasticTile(InstructionTier tier, float* memory, GroupScaledGradient gradient, int tokens, int bits)
    {
        (_stride, _groups, _isWide) = (gradient.Stride, gradient.Groups, Int8CodeWidth.IsWide(bits));
        _sixAtOnce = tier == InstructionTier.Vector512 && Avx512Vbmi.IsSupported && tokens == 6 && !_isWide;
        _unit = gradient.MiddleStep / (1 << GroupScaledGradient.FractionBits);
        _gradient = gradient.Gradient;
        _steps = gradient.Steps;
        _scale = gradient.Scale;
        _middle = gradient.Middle;
        _groupFactors = gradient.GroupFactors;
        _noise = gradient.Noise;
        _totals = memory;
        _shifts = (uint*)(memory + Lanes);
        _sums = memory + 2 * Lanes;
        _codes = (byte*)(_sums + tokens * Lanes);
    }

    public static int Floats(int stride, int tokens) => (2 + tokens) * Lanes + tokens * stride * sizeof(short) / sizeof(float);

    /// <summary>What <see cref="Round"/> has made of the tokens from <paramref name="first"/> on, as operand of a panel whose only scale is the group's factor.</summary>
    public Int8Tokens Operand(int first) => new()
    {
        Codes = _codes,
        Scales = _steps + (long)first * _groups,
        Totals = _totals,
        Stride = (long)_stride * (_isWide ? sizeof(short) : sizeof(sbyte)),
        Groups = _groups,
    };

    /// <param name="first">The first token.</param>
    /// <param name="group">Of the weight's columns.</param>
    public void Round(int first, int tokens, int group)
    {
        if (_sixAtOnce)
            RoundSix(first, group);
        else
            RoundEach(first, tokens, group);
    }

    [MethodImpl(Kernel.Body)]
    private void RoundEach(int first, int tokens, int group)
    {
        var (stride, groups, isWide) = ((long)_stride, (long)_groups, _isWide);
        var (fraction, ones) = (Vector256.Create((1 << GroupScaledGradient.FractionBits) - 1 | (1 << GroupScaledGradient.FractionBits) - 1 << 16).AsInt16(), Vector256<short>.One);
        var scale = _scale + group * stride;
        var middle = _middle + group * stride;
        var noise = _noise + group * stride / 2;
        var gradient = _gradient + first * stride;
        var steps = _steps + first * groups;
        var codes = _codes;
        var sums = _sums;
        var shifts = _shifts;
        for (var t = 0; t < tokens; t++)
        {
            shifts[t] = Shift(first + t);
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
        var unit = _unit * _groupFactors[group];
        for (var t = 0; t < tokens; t++)
            _totals[t] = Vector256.Sum(Vector256.Load(sums + t * Lanes)) * unit;
    }

    // Whole vectors of 512 bits, and what is summed stays in registers: tokens behind the last are rounded too.
    [MethodImpl(Kernel.Body)]
    private void RoundSix(int first, int group)
    {
        var (stride, groups) = ((long)_stride, (long)_groups);
        var scale = _scale + group * stride;
        var middle = _middle + group * stride;
        var noise = (byte*)(_noise + group * stride / 2);
        var from = _gradient + first * stride;
        var steps = _steps + first * groups;
        var to = _codes;
        var (t0, t1, t2) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (t3, t4, t5) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (n0, n1, n2) = (Vector256.Create(Shift(first)).AsByte(), Vector256.Create(Shift(first + 1)).AsByte(), Vector256.Create(Shift(first + 2)).AsByte());
        var (n3, n4, n5) = (Vector256.Create(Shift(first + 3)).AsByte(), Vector256.Create(Shift(first + 4)).AsByte(), Vector256.Create(Shift(first + 5)).AsByte());
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
        var unit = _unit * _groupFactors[group];
        _totals[0] = Vector512.Sum(t0) * unit;
        _totals[1] = Vector512.Sum(t1) * unit;
        _totals[2] = Vector512.Sum(t2) * unit;
        _totals[3] = Vector512.Sum(t3) * unit;
        _totals[4] = Vector512.Sum(t4) * unit;
        _totals[5] = Vector512.Sum(t5) * unit;
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

    // Steps of the golden ratio: the noise of neighbouring tokens goes round evenly. Both halves, and both bytes of a half.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Shift(int token) => (uint)(byte)(token * 159) * 0x01010101u;
}
