using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>Integer products for the few tokens of decoding: the packed rows stream by once, in order, and codes never leave registers
/// for one token, nor at 4 and 8 bits for several; else they go through the first-level cache a row at a time.</summary>
internal static unsafe class Int8GemvDriver
{
    private const int RowsAtOnce = 4;
    private const int RowsOfBlock = 8; // that workers take
    private const int Lanes = 8;
    private const int Line = 64;

    // Bytes of codes from what is multiplied to what is asked for: far enough to hide a read of memory, near enough to be there still.
    private const int AheadOfFour = 2048;

    // Of codes, taken at a time at least: about a microsecond of reading.
    private const int LeastBytes = 16384;

    // More tokens pay for unpacking the codes into panels.
    private const int MostTokens = 4;

    /// <summary>Whether so many tokens go this way.</summary>
    public static bool Serves(InstructionTier tier, int tokens, in Int8Products products)
    {
        if (tokens <= MostTokens || tier == InstructionTier.Vector128) // which has no panels
            return true;
        for (var i = 0; i < products.Count; i++)
            if (!Int8Gemv4Bit32TokensAvx512.Serves(tier, products.Weight(i)!, tokens))
                return false;
        return true;
    }

    /// <param name="rowFactors">Not where products are added.</param>
    public static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, in Int8Products products, Int8RowFactors rowFactors)
    {
        var job = new Job { Tier = tier, Pool = pool, X = x, Products = products, RowFactors = rowFactors };
        pool.Shares.Deal(job.Blocks, (int)(LeastBytes / (RowsOfBlock * (long)products.Weight(0)!.RowBytes)));
        pool.Run(ref job);
    }

    // Workers share the rows of all weights, laid end to end: one pass over q, k and v, or over gate and up.
    private struct Job : IParallelJob
    {
        public InstructionTier Tier;
        public WorkerPool Pool;
        public QuantizedActivations X;
        public Int8Products Products;
        public Int8RowFactors RowFactors;

        public readonly int Blocks
        {
            get
            {
                var blocks = 0;
                for (var i = 0; i < Products.Count; i++)
                    blocks += BlocksOf(i);
                return blocks;
            }
        }

        public readonly void Execute(int worker, int workers)
        {
            var (part, at) = (default(Part), -1);
            while (Pool.Shares.Take(worker, out var start, out var end))
                for (var i = 0; end > 0; i++)
                {
                    var count = BlocksOf(i);
                    if (start < count)
                    {
                        var weight = Products.Weight(i)!;
                        if (at != i)
                            part = part.Fits(weight) ? new Part(part, weight, Products.Output(i)) : new Part(Tier, Pool, worker, X, weight, Products.Output(i), Products.Accumulate);
                        at = i;
                        var (top, bottom) = (start * RowsOfBlock, Math.Min(Math.Min(end, count) * RowsOfBlock, weight.Rows));
                        RowFactors.Fetch(top, bottom);
                        part.Run(top, bottom);
                        RowFactors.Multiply(Products.Output(i), weight.Rows, top, bottom);
                    }
                    (start, end) = (Math.Max(0, start - count), end - count);
                }
        }

        private readonly int BlocksOf(int weight) => (Products.Weight(weight)!.Rows - 1) / RowsOfBlock + 1;
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
        private readonly float* _zeroSums; // [tokens, _padded], the sums times what stands for the offsets where the zero point is uniform; else null
        private readonly float* _last; // scales and offsets of the last rows, with room behind them
        private readonly byte* _codes; // one row, unpacked
        private readonly sbyte* _turned; // the activations for Int8Gemv4Bit32Avx2 and its kin; else null
        private readonly long _runBytes; // of a token's activations where these are an Int8GemvTransposed; else 0

        public Part(InstructionTier tier, WorkerPool pool, int worker, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate)
        {
            (_tier, _x, _weight, _accumulate) = (tier, x, weight, accumulate);
            _y = y;
            _padded = WorkSplit.RoundUp(Math.Max(x.Groups, weight.Groups), Lanes);
            var turns = tier >= InstructionTier.Vector256 && (x.Tokens == 1 ? Int8Gemv4Bit32Avx2.Serves(weight) : Int8Gemv4Bit32TokensAvx512.Serves(tier, weight, x.Tokens));
            var runRows = !turns ? 0 : x.Tokens > 1 ? Int8GemvTransposed.RowsOfWholeBlocks(weight.Groups) : Int8Gemv4Bit32RunAvx512.Serves(tier, weight.Groups) ? Int8Gemv4Bit32RunAvx512.RowsAtOnce : 0;
            _runBytes = Int8GemvTransposed.Bytes(weight.Groups, runRows);
            var turned = !turns ? 0 : Line + Math.Max(x.Stride, x.Tokens * _runBytes);
            _factors = pool.WorkerScratch(worker, (long)_padded * (RowsAtOnce + 3 * x.Tokens + 4 * RowsAtOnce) + (x.Stride + turned) / sizeof(float));
            _scales = _factors + (long)RowsAtOnce * _padded;
            _sums = _scales + (long)x.Tokens * _padded;
            var zeroSums = _sums + (long)x.Tokens * _padded;
            _zeroSums = float.IsNaN(weight.Scales.UniformZero) ? null : zeroSums;
            _last = zeroSums + (long)x.Tokens * _padded;
            _codes = (byte*)(_last + 4L * RowsAtOnce * _padded);
            Prepare();
            if (turns)
                _turned = (sbyte*)(((nuint)_codes + (nuint)x.Stride + Line - 1) & ~((nuint)Line - 1)); // so that no load of it meets two lines
            var sums = _zeroSums == null ? _sums : _zeroSums;
            if (turns && x.Tokens > 1)
                Int8Gemv4Bit32TokensAvx512.Prepare(x.Codes, x.Stride, _scales, sums, _padded, x.Tokens, x.Groups, _turned);
            else if (runRows > 0)
                Int8GemvTransposed.Prepare(x.Codes, _scales, sums, x.Groups, runRows, _turned);
            else if (turns)
                Int8Gemv4Bit32Avx2.Turn(tier, x.Codes, x.Groups, _turned);
        }

        /// <summary>Another weight of the same kind, for which what <paramref name="other"/> prepared serves too.</summary>
        public Part(in Part other, PackedMatrix weight, float* y)
        {
            this = other;
            _weight = weight;
            _y = y;
        }

        public bool Fits(PackedMatrix weight) => _weight is not null && _weight.Bits == weight.Bits && _weight.Groups == weight.Groups && _weight.GroupSize == weight.GroupSize
            && _weight.Scales.UniformZero.Equals(weight.Scales.UniformZero) && _weight.Scales.GroupFactors == null && weight.Scales.GroupFactors == null
            && (_x.Tokens == 1 || Int8Gemv4Bit32TokensAvx512.Serves(_tier, weight, _x.Tokens) == (_turned != null));

        public void Run(int top, int bottom)
        {
            var row = top;
            var end = top + Math.Max(0, bottom - top) / RowsAtOnce * RowsAtOnce;
            if (_tier >= InstructionTier.Vector256 && end > top)
            {
                if (_x.Tokens == 1)
                    row = Rows(top, end, Math.Max(1, Int8GemvPrefetch.Bytes / _weight.RowBytes));
                else if (TakesFactors)
                    row = Rows(top, end, Math.Max(1, AheadOfFour / _weight.RowBytes / RowsAtOnce) * RowsAtOnce);
                else if (_weight.Bits is 4 or 8)
                    for (; row < end; row += RowsAtOnce)
                        FourRows(row);
            }
            for (; row < bottom; row++)
                OneRow(row);
        }

        private float Middle => _weight.Bits == 8 ? Int8GemvDots.ByteMiddle : 0;

        // Whether factors of groups meet the activations, and those of rows the products; else they come with the scales.
        private bool TakesFactors => _tier >= InstructionTier.Vector256 && (_x.Tokens == 1 || _weight.Bits is 4 or 8 && Ratio == 1);

        private int Ratio => _weight.Groups == 1 ? _x.Groups : _weight.GroupSize / QuantizedActivations.GroupSize;

        private void Prepare()
        {
            var ratio = Ratio;
            var factors = TakesFactors ? _weight.Scales.GroupFactors : null;
            for (var t = 0; t < _x.Tokens; t++)
            {
                var scales = _x.Scales + (long)t * _x.Groups;
                var sums = _x.Sums + (long)t * _x.Groups;
                for (var g = 0; g < _padded; g++)
                {
                    var factor = factors != null && g < _weight.Groups ? factors[g] : 1;
                    _scales[(long)t * _padded + g] = g < _x.Groups ? scales[g] * factor : 0;
                    var (sum, end) = (0f, g < _weight.Groups ? Math.Min((g + 1) * ratio, _x.Groups) : 0);
                    for (var i = g * ratio; i < end; i++)
                        sum += sums[i];
                    sum *= factor;
                    _sums[(long)t * _padded + g] = sum;
                    if (_zeroSums != null)
                        _zeroSums[(long)t * _padded + g] = (Middle - _weight.Scales.UniformZero) * sum;
                }
            }
        }

        // For groups of 32 scales are read in whole vectors: what lies behind a row's groups meets zeros. Returns bottom.
        private int Rows(int row, int bottom, int ahead)
        {
            var groups = _weight.Groups;
            var narrow = _weight.Scales.IsNarrow;
            var first = (long)row * groups * (narrow ? sizeof(ushort) : sizeof(float));
            var scale = (byte*)_weight.Scales.ScalePointer + first;
            var offset = (byte*)_weight.Scales.OffsetPointer + first;
            if (!narrow && Ratio == 1 && _runBytes == 0 && (long)bottom * groups + Lanes > (long)_weight.Rows * groups)
            {
                if (bottom - row > RowsAtOnce)
                {
                    Rows(row, bottom - RowsAtOnce, ahead);
                    return Rows(bottom - RowsAtOnce, bottom, ahead);
                }
                // Whole vectors would leave the arrays.
                scale = (byte*)Padded((float*)scale, _last);
                offset = (byte*)Padded((float*)offset, _last + (long)RowsAtOnce * _padded);
            }
            var rows = new Int8GemvRows
            {
                Codes = _weight.RowPointer(row),
                RowBytes = _weight.RowBytes,
                Scale = scale,
                Offset = _zeroSums == null ? offset : scale,
                RowFactors = _weight.Scales.RowFactors == null ? null : _weight.Scales.RowFactors + row,
                Middle = _zeroSums == null ? Middle : 0,
                Groups = groups,
                Rows = bottom - row,
                Ratio = Ratio,
                Ahead = ahead,
                X = _turned == null ? _x.Codes : _turned,
                XStride = _runBytes > 0 ? _runBytes : _x.Stride,
                XScales = _scales,
                XSums = _zeroSums == null ? _sums : _zeroSums,
                Padded = _padded,
                XGroups = _x.Groups,
                Tokens = _x.Tokens,
                Factors = _factors,
                Y = _y + row,
                YStride = _weight.Rows,
                Accumulate = _accumulate,
            };
            if (_turned != null && _x.Tokens > 1 && narrow)
                Int8Gemv4Bit32TokensAvx512.Rows<HalfScales>(rows);
            else if (_turned != null && _x.Tokens > 1)
                Int8Gemv4Bit32TokensAvx512.Rows<FloatScales>(rows);
            else if (_turned != null && narrow)
                Int8Gemv4Bit32Avx2.Rows<HalfScales>(_tier, rows);
            else if (_turned != null)
                Int8Gemv4Bit32Avx2.Rows<FloatScales>(_tier, rows);
            else if (_x.Tokens == 1)
                Int8GemvRowAvx2.Rows(_weight.Bits, narrow, rows);
            else if (narrow)
                Several<HalfScales>(rows);
            else
                Several<FloatScales>(rows);
            return bottom;
        }

        private void Several<TScales>(in Int8GemvRows rows)
            where TScales : struct, IGemvScales
        {
            if (_weight.Bits == 4)
                Int8GemvDots.RowsOfFourBits<TScales>(rows);
            else
                Int8GemvDots.RowsOfBytes<TScales>(rows);
        }

        private void FourRows(int row)
        {
            var middle = Middle;
            for (var t = 0; t < _x.Tokens; t++)
            {
                var x = _x.Codes + (long)t * _x.Stride;
                var y = _y + (long)t * _weight.Rows + row;
                var scales = _scales + (long)t * _padded;
                var sums = _sums + (long)t * _padded;
                var s0 = Vector256.CreateScalar(Factors(ScalesOf(row), middle, scales, sums, _factors));
                var s1 = Vector256.CreateScalar(Factors(ScalesOf(row + 1), middle, scales, sums, _factors + _padded));
                var s2 = Vector256.CreateScalar(Factors(ScalesOf(row + 2), middle, scales, sums, _factors + 2 * _padded));
                var s3 = Vector256.CreateScalar(Factors(ScalesOf(row + 3), middle, scales, sums, _factors + 3 * _padded));
                var dots = _weight.Bits == 4
                    ? Int8GemvDots.FourRowsOfFourBits(_weight.RowPointer(row), _weight.RowBytes, _factors, _padded, _x.Groups, x, s0, s1, s2, s3)
                    : Int8GemvDots.FourRowsOfBytes(_weight.RowPointer(row), _weight.RowBytes, _factors, _padded, _x.Groups, x, s0, s1, s2, s3);
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
            var packed = _weight.RowPointer(row);
            var codes = _codes;
            var narrow = _tier == InstructionTier.Vector128;
            if (_weight.Bits == 8)
                codes = packed;
            else if (_weight.Bits != 4 || !narrow)
                CodePlanes.Unpack(packed, _x.Stride / CodePlanes.Chunk, _weight.Bits, codes);
            var scales = ScalesOf(row);
            for (var t = 0; t < _x.Tokens; t++)
            {
                var sum = Factors(scales, narrow && _weight.Bits == 8 ? 128 : 0, _scales + (long)t * _padded, _sums + (long)t * _padded, _factors);
                var x = _x.Codes + (long)t * _x.Stride;
                sum += _tier switch
                {
                    InstructionTier.Scalar => Int8GemvDots.Bytes(codes, _factors, _x.Groups, x),
                    InstructionTier.Vector128 => Int8GemvRowVector128.Dot(_weight.Bits, packed, codes, _factors, _x.Groups, x),
                    _ when _weight.Bits == 8 => Int8GemvDots.FullBytes256(codes, _factors, _x.Groups, x),
                    _ => Int8GemvDots.Bytes256(codes, _factors, _x.Groups, x),
                };
                ref var y = ref _y[(long)t * _weight.Rows + row];
                y = _accumulate ? y + sum : sum;
            }
        }

        // In fp32; of rows in fp16 until they are asked for again.
        private Row ScalesOf(int row)
        {
            var at = (long)row * _weight.Groups;
            if (!_weight.Scales.IsNarrow)
                return new((float*)_weight.Scales.ScalePointer + at, (float*)_weight.Scales.OffsetPointer + at);
            _weight.Scales.Read(at, _weight.Groups, _last, _last + _padded);
            return new(_last, _last + _padded);
        }

        // The weight's scale times the activations' scale for every group of 32 columns; returns Σ (offset + middle * scale) * sum:
        // what codes that are counted from the middle leave out.
        private float Factors(Row row, float middle, float* xScales, float* sums, float* factors)
        {
            var scale = row.Scale;
            var offset = row.Offset;
            if (_tier >= InstructionTier.Vector128 && Ratio == 1)
                return FactorsOfSmallGroups(scale, offset, middle, xScales, sums, factors);
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

        private float FactorsOfSmallGroups(float* scale, float* offset, float middle, float* xScales, float* sums, float* factors)
        {
            var (g, groups, terms) = (0, _weight.Groups, Vector128<float>.Zero);
            for (; g <= groups - Vector128<float>.Count; g += Vector128<float>.Count)
            {
                var s = Vector128.Load(scale + g);
                (s * Vector128.Load(xScales + g)).Store(factors + g);
                terms += (Vector128.Load(offset + g) + middle * s) * Vector128.Load(sums + g);
            }
            var total = Vector128.Sum(terms);
            for (; g < groups; g++)
            {
                factors[g] = scale[g] * xScales[g];
                total += (offset[g] + middle * scale[g]) * sums[g];
            }
            for (; g < _x.Groups; g++)
                factors[g] = 0; // the padding
            return total;
        }

        // The scales and offsets of a row, [groups] each.
        private readonly struct Row(float* scale, float* offset)
        {
            public float* Scale => scale;

            public float* Offset => offset;
        }
    }
}
