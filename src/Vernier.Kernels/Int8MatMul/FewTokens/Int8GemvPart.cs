namespace Vernier.Kernels;

/// <summary>What a worker has prepared to multiply rows of one weight by all tokens.</summary>
internal readonly unsafe struct Int8GemvPart
{
    private const int RowsAtOnce = 4;
    private const int Lanes = 8;
    private const int Line = 64;

    // Bytes of codes from what is multiplied to what is prefetched for several tokens: far enough to hide a read of memory, near enough to be there still.
    private const int AheadOfFour = 2048;

    private readonly Int8GemvPlan _plan;
    private readonly QuantizedActivations _x;
    private readonly PackedMatrix _weight;
    private readonly float* _y;
    private readonly bool _accumulate;
    private readonly int _padded; // groups of activations, or half groups, rounded up to whole vectors
    private readonly float* _factors; // [RowsAtOnce, _padded]
    private readonly float* _scales; // [tokens, _padded], zeros behind the groups
    private readonly float* _sums; // [tokens, _padded] over the weight's groups, zeros behind them
    private readonly float* _zeroSums; // [tokens, _padded], the sums times what stands for the offsets where the zero point is uniform; else _sums
    private readonly float* _last; // scales and offsets of the last rows, with room behind them
    private readonly byte* _unpacked; // codes of one row
    private readonly sbyte* _layout; // the activations in the body's layout, or as they are

    public Int8GemvPart(WorkerPool pool, int worker, QuantizedActivations x, in Int8Product product, bool accumulate)
    {
        (_plan, _x, _weight, _accumulate) = (product.Plan, x, product.Weight, accumulate);
        _y = product.Output;
        _padded = WorkSplit.RoundUp(Math.Max(Units, _weight.Groups), Lanes);
        var layoutBytes = (long)x.Tokens * _plan.Body.LayoutBytes(x.Groups);
        _factors = pool.WorkerScratch(worker, (long)_padded * (RowsAtOnce + 3 * x.Tokens + 4 * RowsAtOnce) + (x.Stride + Line + layoutBytes) / sizeof(float));
        _scales = _factors + (long)RowsAtOnce * _padded;
        _sums = _scales + (long)x.Tokens * _padded;
        var zeroSums = _sums + (long)x.Tokens * _padded;
        _zeroSums = HasUniformZero ? zeroSums : _sums;
        _last = zeroSums + (long)x.Tokens * _padded;
        _unpacked = (byte*)(_last + 4L * RowsAtOnce * _padded);
        _layout = x.Codes;
        PrepareScales();
        if (layoutBytes == 0)
            return;
        _layout = (sbyte*)(((nuint)_unpacked + (nuint)x.Stride + Line - 1) & ~((nuint)Line - 1)); // so that no load of it crosses lines
        _plan.Body.LayOut(
            new Int8GemvActivations { Tokens = x.Tokens, Codes = x.Codes, Stride = x.Stride, Groups = x.Groups, Scales = _scales, Sums = _zeroSums, Padded = _padded }, _layout);
    }

    /// <summary>Another product of the same kind, for which what <paramref name="other"/> prepared serves too.</summary>
    public Int8GemvPart(in Int8GemvPart other, in Int8Product product)
    {
        this = other;
        _plan = product.Plan;
        _weight = product.Weight;
        _y = product.Output;
    }

    /// <summary>Whether a product is of the same kind.</summary>
    public bool Fits(in Int8Product product)
    {
        var weight = product.Weight;
        return _weight is not null && _plan.Body == product.Plan.Body && _weight.Bits == weight.Bits && _weight.Groups == weight.Groups && _weight.GroupSize == weight.GroupSize
            && _weight.Scales.UniformZero.Equals(weight.Scales.UniformZero) && _weight.Scales.GroupFactors == null && weight.Scales.GroupFactors == null;
    }

    public void Run(int top, int bottom)
    {
        var end = top + (bottom - top) / _plan.Body.RowsAtOnce * _plan.Body.RowsAtOnce;
        if (end > top && _plan.Body.ReadsBehindScales && Ratio == 1 && _weight.Scales.Form == ScaleForm.Float && (long)end * _weight.Groups + Lanes > (long)_weight.Rows * _weight.Groups)
        {
            // Whole vectors would leave the arrays.
            var last = Math.Max(top, end - RowsAtOnce);
            if (last > top)
                _plan.Body.Multiply(Rows(_plan.Body, top, last));
            var rows = Rows(_plan.Body, last, end);
            rows.Scale = Padded((float*)rows.Scale, _last);
            rows.Offset = HasUniformZero ? rows.Scale : Padded((float*)rows.Offset, _last + (long)RowsAtOnce * _padded);
            _plan.Body.Multiply(rows);
        }
        else if (end > top)
        {
            _plan.Body.Multiply(Rows(_plan.Body, top, end));
        }
        if (bottom > end)
            _plan.Rest.Multiply(Rows(_plan.Rest, end, bottom));
    }

    // Groups of activations, or their halves where the weight's groups are such.
    private int Units => _weight.HasHalfGroups ? 2 * _x.Groups : _x.Groups;

    private int Ratio => _weight.Groups == 1 ? _x.Groups : _weight.HasHalfGroups ? 1 : _weight.GroupSize / QuantizedActivations.GroupSize;

    private bool HasUniformZero => !float.IsNaN(_weight.Scales.UniformZero);

    // Bodies that stream scales take the values of codebooks with their signs.
    private float Middle => _weight.Bits == 8 ? Int8DotAvx2.ByteMiddle : 0;

    private void PrepareScales()
    {
        var ratio = Ratio;
        var (zero, middle) = (_weight.Scales.UniformZero, Middle);
        var factors = _plan.Body.StreamsScales ? _weight.Scales.GroupFactors : null;
        var (units, half) = (Units, _weight.HasHalfGroups ? 1 : 0);
        var allSums = half == 0 ? _x.Sums : _x.HalfSums;
        for (var t = 0; t < _x.Tokens; t++)
        {
            var scales = _x.Scales + (long)t * _x.Groups;
            var sums = allSums + (long)t * units;
            for (var g = 0; g < _padded; g++)
            {
                var factor = factors != null && g < _weight.Groups ? factors[g] : 1;
                _scales[(long)t * _padded + g] = g < units ? scales[g >> half] * factor : 0;
                var (sum, end) = (0f, g < _weight.Groups ? Math.Min((g + 1) * ratio, units) : 0);
                for (var i = g * ratio; i < end; i++)
                    sum += sums[i];
                sum *= factor;
                _sums[(long)t * _padded + g] = sum;
                if (_zeroSums != _sums)
                    _zeroSums[(long)t * _padded + g] = (middle - zero) * sum;
            }
        }
    }

    private Int8GemvRows Rows(IInt8GemvBody body, int row, int bottom)
    {
        var (scales, streams) = (_weight.Scales, body.StreamsScales);
        var first = ScaleForms.Bytes(scales.Form, (long)row * _weight.Groups);
        var scale = (byte*)scales.ScalePointer + first;
        var stride = body.LayoutBytes(_x.Groups);
        return new Int8GemvRows
        {
            Codes = _weight.RowPointer(row),
            RowBytes = _weight.RowBytes,
            Bits = _weight.Bits,
            Codebook = _weight.IntegerCodes,
            Scale = scale,
            Offset = streams && HasUniformZero ? scale : (byte*)scales.OffsetPointer + first,
            Form = scales.Form,
            Scales = scales,
            FirstRow = row,
            RowFactors = streams && scales.RowFactors != null ? scales.RowFactors + row : null,
            Middle = HasUniformZero ? 0 : Middle,
            Groups = _weight.Groups,
            Rows = bottom - row,
            Ratio = Ratio,
            Ahead = Ahead,
            X = stride == 0 ? _x.Codes : _layout,
            XStride = stride == 0 ? _x.Stride : stride,
            XScales = _scales,
            XSums = streams ? _zeroSums : _sums,
            Padded = _padded,
            XGroups = _x.Groups,
            HasHalfGroups = _weight.HasHalfGroups,
            Tokens = _x.Tokens,
            Factors = _factors,
            RowScales = _last,
            Unpacked = _unpacked,
            Y = _y + row,
            YStride = _weight.Rows,
            Accumulate = _accumulate,
        };
    }

    private int Ahead => _x.Tokens == 1
        ? Math.Max(1, Int8GemvPrefetch.Bytes / _weight.RowBytes)
        : Math.Max(1, AheadOfFour / _weight.RowBytes / RowsAtOnce) * RowsAtOnce;

    private float* Padded(float* values, float* copy)
    {
        var (count, room) = (RowsAtOnce * _weight.Groups, RowsAtOnce * _padded);
        new ReadOnlySpan<float>(values, count).CopyTo(new Span<float>(copy, room));
        new Span<float>(copy + count, room - count).Clear();
        return copy;
    }
}
