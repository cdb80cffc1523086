using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Integer products for the few tokens of decoding: the packed rows stream by once, in order, and codes never leave registers
/// at 4 and 8 bits; other widths go through the first-level cache a row at a time.</summary>
internal static unsafe class Int8GemvDriver
{
    private const int RowsAtOnce = 4;
    private const int Lanes = 8;

    // Codes of 8 bits are counted from here where pairs of products must fit 16 bits.
    private static float ByteMiddle => AvxVnni.IsSupported ? 0 : 128;

    public static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, in Int8Products products)
    {
        var job = new Job { Tier = tier, Pool = pool, X = x, Products = products };
        pool.Run(ref job);
    }

    // Workers split the rows of all weights, laid end to end: one pass over q, k and v, or over gate and up.
    private struct Job : IParallelJob
    {
        public InstructionTier Tier;
        public WorkerPool Pool;
        public QuantizedActivations X;
        public Int8Products Products;

        public readonly void Execute(int worker, int workers)
        {
            var blocks = 0;
            for (var i = 0; i < Products.Count; i++)
                blocks += Blocks(i);
            var (start, end) = GemmDriver.Share(blocks, worker, workers);
            for (var i = 0; i < Products.Count && end > 0; i++)
            {
                var count = Blocks(i);
                if (start < count)
                {
                    var part = new Part(Tier, Pool, worker, X, Products.Weight(i)!, Products.Output(i), Products.Accumulate);
                    part.Run(start * RowsAtOnce, Math.Min(Math.Min(end, count) * RowsAtOnce, part.Rows));
                }
                (start, end) = (Math.Max(0, start - count), end - count);
            }
        }

        private readonly int Blocks(int weight) => (Products.Weight(weight)!.Rows - 1) / RowsAtOnce + 1;
    }

    /// <summary>Some rows of one weight with all tokens.</summary>
    private readonly struct Part
    {
        private readonly InstructionTier _tier;
        private readonly QuantizedActivations _x;
        private readonly PackedMatrix _weight;
        private readonly float* _y;
        private readonly bool _accumulate;
        private readonly int _padded; // groups of activations, rounded up to whole vectors
        private readonly float* _factors; // [RowsAtOnce, _padded]
        private readonly float* _scales; // [tokens, _padded], zeros behind the groups
        private readonly float* _sums; // [tokens, _padded] over the weight's groups, zeros behind them
        private readonly float* _last; // scales and offsets of the last rows, with room behind them
        private readonly byte* _codes; // one row, unpacked

        public Part(InstructionTier tier, WorkerPool pool, int worker, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate)
        {
            (_tier, _x, _weight, _accumulate) = (tier, x, weight, accumulate);
            _y = y;
            _padded = GemmDriver.RoundUp(Math.Max(x.Groups, weight.Groups), Lanes);
            _factors = pool.WorkerScratch(worker, (long)_padded * (RowsAtOnce + 2 * x.Tokens + 2 * RowsAtOnce) + x.Stride / sizeof(float));
            _scales = _factors + (long)RowsAtOnce * _padded;
            _sums = _scales + (long)x.Tokens * _padded;
            _last = _sums + (long)x.Tokens * _padded;
            _codes = (byte*)(_last + 2L * RowsAtOnce * _padded);
            Prepare();
        }

        public int Rows => _weight.Rows;

        public void Run(int top, int bottom)
        {
            var row = top;
            if (_weight.Bits is 4 or 8 && _tier >= InstructionTier.Vector256)
                for (; row + RowsAtOnce <= bottom; row += RowsAtOnce)
                    FourRows(row);
            for (; row < bottom; row++)
                OneRow(row);
        }

        private int Ratio => _weight.Groups == 1 ? _x.Groups : _weight.GroupSize / QuantizedActivations.GroupSize;

        private void Prepare()
        {
            var ratio = Ratio;
            for (var t = 0; t < _x.Tokens; t++)
            {
                var scales = _x.Scales + (long)t * _x.Groups;
                var sums = _x.Sums + (long)t * _x.Groups;
                for (var g = 0; g < _padded; g++)
                {
                    _scales[(long)t * _padded + g] = g < _x.Groups ? scales[g] : 0;
                    var (sum, end) = (0f, g < _weight.Groups ? Math.Min((g + 1) * ratio, _x.Groups) : 0);
                    for (var i = g * ratio; i < end; i++)
                        sum += sums[i];
                    _sums[(long)t * _padded + g] = sum;
                }
            }
        }

        private void FourRows(int row)
        {
            var groups = _weight.Groups;
            var scale = _weight.Scales.Scale.Pointer + (long)row * groups;
            var offset = _weight.Scales.Offset.Pointer + (long)row * groups;
            var (whole, middle) = (Ratio == 1, _weight.Bits == 8 ? ByteMiddle : 0);
            if (whole && (long)(row + RowsAtOnce) * groups + Lanes > (long)Rows * groups)
            {
                // Whole vectors would leave the arrays.
                scale = Padded(scale, _last);
                offset = Padded(offset, _last + (long)RowsAtOnce * _padded);
            }
            for (var t = 0; t < _x.Tokens; t++)
            {
                var scales = _scales + (long)t * _padded;
                var sums = _sums + (long)t * _padded;
                Vector256<float> s0, s1, s2, s3;
                if (whole)
                {
                    s0 = VectorFactors(scale, offset, middle, scales, sums, _padded, _factors);
                    s1 = VectorFactors(scale + groups, offset + groups, middle, scales, sums, _padded, _factors + _padded);
                    s2 = VectorFactors(scale + 2 * groups, offset + 2 * groups, middle, scales, sums, _padded, _factors + 2 * _padded);
                    s3 = VectorFactors(scale + 3 * groups, offset + 3 * groups, middle, scales, sums, _padded, _factors + 3 * _padded);
                }
                else
                {
                    s0 = Vector256.CreateScalar(Factors(row, middle, scales, sums, _factors));
                    s1 = Vector256.CreateScalar(Factors(row + 1, middle, scales, sums, _factors + _padded));
                    s2 = Vector256.CreateScalar(Factors(row + 2, middle, scales, sums, _factors + 2 * _padded));
                    s3 = Vector256.CreateScalar(Factors(row + 3, middle, scales, sums, _factors + 3 * _padded));
                }
                var x = _x.Codes + (long)t * _x.Stride;
                var dots = _weight.Bits == 4
                    ? FourRowsOfFourBits(_weight.RowPointer(row), _weight.RowBytes, _factors, _padded, _x.Groups, x, s0, s1, s2, s3)
                    : FourRowsOfBytes(_weight.RowPointer(row), _weight.RowBytes, _factors, _padded, _x.Groups, x, s0, s1, s2, s3);
                var y = _y + (long)t * Rows + row;
                (_accumulate ? dots + Vector128.Load(y) : dots).Store(y);
            }
        }

        private float* Padded(float* values, float* copy)
        {
            var (count, room) = (RowsAtOnce * _weight.Groups, RowsAtOnce * _padded);
            new ReadOnlySpan<float>(values, count).CopyTo(new Span<float>(copy, room));
            new Span<float>(copy + count, room - count).Clear();
            return copy;
        }

        private void OneRow(int row)
        {
            var codes = _codes;
            if (_weight.Bits == 8)
                codes = _weight.RowPointer(row);
            else
                CodePlanes.Unpack(_weight.RowPointer(row), _x.Stride / CodePlanes.Chunk, _weight.Bits, codes);
            for (var t = 0; t < _x.Tokens; t++)
            {
                var sum = Factors(row, 0, _scales + (long)t * _padded, _sums + (long)t * _padded, _factors);
                var x = _x.Codes + (long)t * _x.Stride;
                sum += _tier switch
                {
                    InstructionTier.Scalar => Bytes(codes, _factors, _x.Groups, x),
                    InstructionTier.Vector128 => Bytes128(codes, _factors, _x.Groups, x),
                    _ when _weight.Bits == 8 => FullBytes256(codes, _factors, _x.Groups, x),
                    _ => Bytes256(codes, _factors, _x.Groups, x),
                };
                ref var y = ref _y[(long)t * Rows + row];
                y = _accumulate ? y + sum : sum;
            }
        }

        // The weight's scale times the activations' scale for every group of 32 columns; returns Σ (offset + middle * scale) * sum:
        // what codes that are counted from the middle leave out.
        private float Factors(int row, float middle, float* xScales, float* sums, float* factors)
        {
            var scale = _weight.Scales.Scale.Pointer + (long)row * _weight.Groups;
            var offset = _weight.Scales.Offset.Pointer + (long)row * _weight.Groups;
            var (ratio, i, total) = (Ratio, 0, 0f);
            for (var g = 0; i < _x.Groups; g++)
            {
                var s = scale[Math.Min(g, _weight.Groups - 1)]; // the padding's activations are zero
                for (var end = Math.Min(i + ratio, _x.Groups); i < end; i++)
                    factors[i] = s * xScales[i];
            }
            for (var g = 0; g < _weight.Groups; g++)
                total += (offset[g] + middle * scale[g]) * sums[g];
            return total;
        }
    }

    // The same for groups of 32, in whole vectors; the zeros behind the groups silence what is read there. Returns the terms of Σ offset * sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> VectorFactors(float* scale, float* offset, float middle, float* xScales, float* sums, int padded, float* factors)
    {
        var (terms, middles) = (Vector256<float>.Zero, Vector256.Create(middle));
        for (var g = 0; g < padded; g += Lanes)
        {
            var s = Vector256.Load(scale + g);
            (s * Vector256.Load(xScales + g)).Store(factors + g);
            terms = Fma.MultiplyAdd(Fma.MultiplyAdd(s, middles, Vector256.Load(offset + g)), Vector256.Load(sums + g), terms);
        }
        return terms;
    }

    /// <summary>Four rows of 4-bit codes, chunk by chunk: 64 codes in 32 bytes, the first 32 in the lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> FourRowsOfFourBits(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        var mask = Vector256.Create((byte)15);
        for (var g = 0; g < groups; g += 2, w += 32, x += 64)
        {
            var (x0, x1) = (Vector256.Load(x), Vector256.Load(x + 32));
            var p = factors + g;
            var v = Vector256.Load(w);
            s0 = Scaled(v & mask, x0, p[0], s0);
            s0 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[1], s0);
            v = Vector256.Load(w + rowBytes);
            p += f;
            s1 = Scaled(v & mask, x0, p[0], s1);
            s1 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[1], s1);
            v = Vector256.Load(w + 2 * rowBytes);
            p += f;
            s2 = Scaled(v & mask, x0, p[0], s2);
            s2 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[1], s2);
            v = Vector256.Load(w + 3 * rowBytes);
            p += f;
            s3 = Scaled(v & mask, x0, p[0], s3);
            s3 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[1], s3);
        }
        return SumEach(s0, s1, s2, s3);
    }

    /// <summary>Four rows of 8-bit codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> FourRowsOfBytes(
        byte* w, long rowBytes, float* factors, int f, int groups, sbyte* x, Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        for (var g = 0; g < groups; g++, w += 32, x += 32)
        {
            var v = Vector256.Load(x);
            var p = factors + g;
            s0 = ScaledFromMiddle(Vector256.Load(w), v, p[0], s0);
            s1 = ScaledFromMiddle(Vector256.Load(w + rowBytes), v, p[f], s1);
            s2 = ScaledFromMiddle(Vector256.Load(w + 2 * rowBytes), v, p[2 * f], s2);
            s3 = ScaledFromMiddle(Vector256.Load(w + 3 * rowBytes), v, p[3 * f], s3);
        }
        return SumEach(s0, s1, s2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> SumEach(Vector256<float> s0, Vector256<float> s1, Vector256<float> s2, Vector256<float> s3)
    {
        var sums = Avx.HorizontalAdd(Avx.HorizontalAdd(s0, s1), Avx.HorizontalAdd(s2, s3));
        return sums.GetLower() + sums.GetUpper();
    }

    /// <summary>One row of codes below 128, one a byte: pairs of products stay below 2^15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Bytes256(byte* codes, float* factors, int groups, sbyte* x)
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64)
        {
            s0 = Scaled(Vector256.Load(codes), Vector256.Load(x), factors[g], s0);
            s1 = Scaled(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors[g + 1], s1);
        }
        return Vector256.Sum(s0 + s1);
    }

    /// <summary>One row of codes of 8 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float FullBytes256(byte* codes, float* factors, int groups, sbyte* x)
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64)
        {
            s0 = ScaledFull(Vector256.Load(codes), Vector256.Load(x), factors[g], s0);
            s1 = ScaledFull(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors[g + 1], s1);
        }
        return Vector256.Sum(s0 + s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scaled(Vector256<byte> codes, Vector256<sbyte> x, float factor, Vector256<float> sum)
    {
        var dots = AvxVnni.IsSupported
            ? AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, codes, x)
            : Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, x), Vector256.Create((short)1));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), Vector256.Create(factor), sum);
    }

    // Codes less 128: their magnitudes times the activations under their signs, at most 2 * 128 * 127 a pair.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ScaledFromMiddle(Vector256<byte> codes, Vector256<sbyte> x, float factor, Vector256<float> sum)
    {
        if (AvxVnni.IsSupported)
            return Scaled(codes, x, factor, sum);
        var w = (codes ^ Vector256.Create((byte)128)).AsSByte();
        return Scaled(Avx2.Abs(w), Avx2.Sign(x, w), factor, sum);
    }

    // Without VNNI a pair of 8-bit products may exceed 16 bits: halves of the codes go one after the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ScaledFull(Vector256<byte> codes, Vector256<sbyte> x, float factor, Vector256<float> sum)
    {
        if (AvxVnni.IsSupported)
            return Scaled(codes, x, factor, sum);
        var mask = Vector256.Create((byte)15);
        var low = Avx2.MultiplyAddAdjacent(codes & mask, x);
        var high = Avx2.MultiplyAddAdjacent((codes.AsUInt16() >> 4).AsByte() & mask, x);
        var dots = Avx2.MultiplyAddAdjacent(low, Vector256.Create((short)1)) + Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)16));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), Vector256.Create(factor), sum);
    }

    // 255 * 127 fits 16 bits; sums go on in 32.
    private static float Bytes128(byte* codes, float* factors, int groups, sbyte* x)
    {
        var sum = Vector128<float>.Zero;
        for (var g = 0; g < groups; g++)
        {
            var dots = Vector128<int>.Zero;
            for (var end = codes + QuantizedActivations.GroupSize; codes < end; codes += 16, x += 16)
            {
                var (c0, c1) = Vector128.Widen(Vector128.Load(codes));
                var (x0, x1) = Vector128.Widen(Vector128.Load(x));
                var (p0, p1) = Vector128.Widen(c0.AsInt16() * x0);
                var (p2, p3) = Vector128.Widen(c1.AsInt16() * x1);
                dots += p0 + p1 + (p2 + p3);
            }
            sum += Vector128.ConvertToSingle(dots) * factors[g];
        }
        return Vector128.Sum(sum);
    }

    private static float Bytes(byte* codes, float* factors, int groups, sbyte* x)
    {
        var sum = 0f;
        for (var g = 0; g < groups; g++, codes += QuantizedActivations.GroupSize, x += QuantizedActivations.GroupSize)
        {
            var dot = 0;
            for (var i = 0; i < QuantizedActivations.GroupSize; i++)
                dot += codes[i] * x[i];
            sum += dot * factors[g];
        }
        return sum;
    }
}
