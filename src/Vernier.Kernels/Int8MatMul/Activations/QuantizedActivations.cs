using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Activations [tokens, columns] as signed bytes with one scale for each token and group of 32 columns, value = scale * code,
/// as in Q8_0 blocks: scale = max|x| / 127, codes rounded to nearest. Reusable: memory grows to the largest batch and stays.</summary>
internal sealed unsafe class QuantizedActivations : IDisposable
{
    /// <summary>Columns that share a scale.</summary>
    public const int GroupSize = PackedMatrix.BlockSize;

    /// <summary>A group below this is scaled as if it reached it: the inverse of its scale is a number.</summary>
    internal const float LeastMax = 1e-30f;

    /// <summary>Whole tiles of tokens may be read past the last one.</summary>
    internal const int SpareTokens = 8;

    // Elements that are done before another thread would have begun.
    private const int SmallJob = 16384;

    private NativeBuffer<sbyte> _codes = new(0);
    private NativeBuffer<short> _wideCodes = new(0);
    private bool _isWide;
    private NativeBuffer<float> _scales = new(0);
    private NativeBuffer<float> _sums = new(0);
    private NativeBuffer<float> _halfSums = new(0);
    private bool _hasHalfSums;
    private NativeBuffer<float> _factored = new(0); // scales, then sums
    private bool _hasFactors;
    private NativeBuffer<float> _factoredTotals = new(0);
    private NativeBuffer<float> _totals = new(0);
    private NativeBuffer<float> _values = new(0);

    /// <summary>Tokens held.</summary>
    public int Tokens { get; private set; }

    /// <summary>Columns held.</summary>
    public int Columns { get; private set; }

    /// <summary>The order in which the columns are held; null = their own.</summary>
    public ColumnOrder? Order { get; private set; }

    /// <summary>Columns rounded up to whole chunks of 64, the distance from token to token in codes; the rest is zero.</summary>
    internal int Stride { get; private set; }

    /// <summary>Groups of a token, the padding's included.</summary>
    internal int Groups => Stride / GroupSize;

    /// <summary>[tokens, Stride].</summary>
    internal sbyte* Codes => _codes.Pointer;

    /// <summary>[tokens, Groups].</summary>
    internal float* Scales => _hasFactors ? _factored.Pointer : _scales.Pointer;

    /// <summary>Scale times the sum of the codes, [tokens, Groups]: what an offset of the weight is multiplied by.</summary>
    internal float* Sums => _hasFactors ? _factored.Pointer + _factored.Length / 2 : _sums.Pointer;

    /// <summary>The same of halves of the groups, [tokens, 2 * Groups], once <see cref="SumHalves"/> has been called.</summary>
    internal float* HalfSums => _halfSums.Pointer;

    /// <summary>A token's sums together, [tokens].</summary>
    internal float* Totals => _hasFactors ? _factoredTotals.Pointer : _totals.Pointer;

    /// <summary>Takes <paramref name="x"/> [tokens, columns] in.</summary>
    /// <param name="order">What the weights that they are multiplied by have as <see cref="PackedMatrix.Order"/>.</param>
    /// <exception cref="ArgumentException">The span is too short, or the order is one of another number of columns.</exception>
    public void Quantize(WorkerPool pool, ReadOnlySpan<float> x, int tokens, int columns, ColumnOrder? order = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if ((long)tokens * columns > x.Length)
            throw new ArgumentException($"{x.Length} elements for {tokens} tokens of {columns} features.", nameof(x));
        if (order is not null && order.Columns.Length != columns)
            throw new ArgumentException($"An order of {order.Columns.Length} columns for {columns}.", nameof(order));
        Reserve(tokens, columns);
        Order = order;
        fixed (float* source = x)
        {
            var job = new Job { Pool = pool, Source = source, Target = this };
            if ((long)tokens * columns < SmallJob)
                job.Execute(0, 1);
            else
                pool.Run(ref job);
        }
    }

    /// <summary>[tokens, columns]: scale * code, the columns in their own order. Valid until the next call that needs memory.</summary>
    internal ReadOnlySpan<float> Values(WorkerPool pool)
    {
        var job = new ValuesJob { From = this, Values = ReserveValues((long)Tokens * Columns) };
        pool.Run(ref job);
        return _values.Slice(0, Tokens * Columns);
    }

    /// <summary>From here to <see cref="EndFactors"/> products see the columns of each token multiplied, group by group.</summary>
    /// <param name="factors">[tokens, groups of <paramref name="groupSize"/> columns].</param>
    /// <param name="groupSize">A multiple of 32, or all columns.</param>
    /// <exception cref="ArgumentException">There are other groups.</exception>
    public void BeginFactors(ReadOnlySpan<float> factors, int groupSize)
    {
        var count = (Columns - 1) / groupSize + 1;
        if (factors.Length != Tokens * count)
            throw new ArgumentException($"{factors.Length} factors for {Tokens} tokens of {count} groups.", nameof(factors));
        Grow(ref _factored, 2 * _scales.Length);
        Grow(ref _factoredTotals, _totals.Length);
        var scales = _factored.Pointer;
        var sums = scales + _factored.Length / 2;
        var ratio = count == 1 ? Groups : groupSize / GroupSize;
        fixed (float* all = factors)
            for (long t = 0, at = 0; t < Tokens; t++, at += Groups)
            {
                Multiply(_scales.Pointer + at, all + t * count, count, ratio, scales + at);
                Multiply(_sums.Pointer + at, all + t * count, count, ratio, sums + at);
                _factoredTotals.Pointer[t] = Sum(new(sums + at, Groups));
            }
        (_hasFactors, _hasHalfSums) = (true, false);
    }

    /// <summary>Undoes <see cref="BeginFactors"/>.</summary>
    public void EndFactors()
    {
        if (_hasFactors)
            (_hasFactors, _hasHalfSums) = (false, false);
    }

    /// <summary>The memory of <see cref="Values"/>, contents undefined.</summary>
    internal float* ReserveValues(long count)
    {
        Grow(ref _values, count);
        return _values.Pointer;
    }

    /// <summary>A run of tokens as operand for a weight of so many bits; wide codes need <see cref="Widen"/> before.</summary>
    internal Int8Tokens From(int token, int bits) => new()
    {
        Codes = (Int8CodeWidth.IsWide(bits) ? (byte*)_wideCodes.Pointer : (byte*)Codes) + (long)token * Stride * Int8CodeWidth.Bytes(bits),
        Scales = Scales + (long)token * Groups,
        Sums = Sums + (long)token * Groups,
        HalfSums = HalfSums + 2L * token * Groups,
        Totals = Totals + token,
        Stride = (long)Stride * Int8CodeWidth.Bytes(bits),
        Groups = Groups,
    };

    /// <summary>Makes the wide codes, if these codes have none yet.</summary>
    internal void Widen()
    {
        if (_isWide)
            return;
        _isWide = true;
        var count = Tokens * (long)Stride;
        Grow(ref _wideCodes, count + SpareTokens * (long)Stride);
        for (long i = 0; i < count; i += Vector128<sbyte>.Count)
            Avx2.ConvertToVector256Int16(Vector128.Load(Codes + i)).Store(_wideCodes.Pointer + i);
    }

    /// <summary>Makes the sums of half groups, if these codes have none yet: for weights whose groups are such.</summary>
    internal void SumHalves(WorkerPool pool)
    {
        if (_hasHalfSums)
            return;
        _hasHalfSums = true;
        Grow(ref _halfSums, 2 * (Tokens + SpareTokens) * (long)Groups);
        var job = new HalfSumsJob { From = this };
        if (Tokens * (long)Columns < SmallJob)
            job.Execute(0, 1);
        else
            pool.Run(ref job);
    }

    /// <summary>Memory for codes, scales and totals of so many tokens, contents undefined.</summary>
    internal void Reserve(int tokens, int columns)
    {
        (_isWide, _hasHalfSums) = (false, false);
        Order = null;
        (Tokens, Columns, Stride) = (tokens, columns, WorkSplit.RoundUp(columns, CodePlanes.Chunk));
        Grow(ref _codes, (tokens + SpareTokens) * (long)Stride);
        Grow(ref _scales, (tokens + SpareTokens) * (long)Groups);
        Grow(ref _sums, (tokens + SpareTokens) * (long)Groups);
        Grow(ref _totals, tokens + SpareTokens);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _factored.Dispose();
        _codes.Dispose();
        _wideCodes.Dispose();
        _scales.Dispose();
        _sums.Dispose();
        _halfSums.Dispose();
        _totals.Dispose();
        _factoredTotals.Dispose();
        _values.Dispose();
    }

    private static float Sum(ReadOnlySpan<float> values)
    {
        var sum = 0f;
        foreach (var value in values)
            sum += value;
        return sum;
    }

    // The last factor serves the padding too.
    [MethodImpl(Kernel.Body)]
    private void Multiply(float* values, float* factors, int count, int ratio, float* products)
    {
        var g = 0;
        if (ratio == 1 && Vector.IsHardwareAccelerated)
            for (; g <= count - Vector<float>.Count; g += Vector<float>.Count)
                (Vector.Load(values + g) * Vector.Load(factors + g)).Store(products + g);
        for (; g < Groups; g++)
            products[g] = values[g] * factors[Math.Min(g / ratio, count - 1)];
    }

    internal static void Grow<T>(ref NativeBuffer<T> buffer, long length)
        where T : unmanaged
    {
        if (buffer.Length >= length)
            return;
        buffer.Dispose();
        buffer = new NativeBuffer<T>(length);
    }

    private struct Job : IParallelJob
    {
        public WorkerPool Pool;
        public float* Source;
        public QuantizedActivations Target;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(Target.Tokens, worker, workers);
            var arranged = Target.Order is null ? null : Pool.WorkerScratch(worker, Target.Columns);
            for (var t = start; t < end; t++)
            {
                var from = Source + (long)t * Target.Columns;
                if (arranged != null)
                {
                    Target.Order!.Arrange(from, arranged);
                    from = arranged;
                }
                var sums = Target.Sums + (long)t * Target.Groups;
                Row(from, Target.Columns, Target.Groups, Target.Codes + (long)t * Target.Stride, Target.Scales + (long)t * Target.Groups, sums);
                Target.Totals[t] = Sum(new(sums, Target.Groups));
            }
        }
    }

    private struct HalfSumsJob : IParallelJob
    {
        public QuantizedActivations From;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(From.Tokens, worker, workers);
            for (var g = (long)start * From.Groups; g < (long)end * From.Groups; g++)
            {
                var (codes, scale) = (g * GroupSize, From.Scales[g]);
                From.HalfSums[2 * g] = scale * SumOfHalf(From.Codes + codes);
                From.HalfSums[2 * g + 1] = scale * SumOfHalf(From.Codes + codes + GroupSize / 2);
            }
        }

        private static int SumOfHalf(sbyte* codes)
        {
            if (Vector128.IsHardwareAccelerated)
            {
                var (low, high) = Vector128.Widen(Vector128.Load(codes));
                return Vector128.Sum(low + high);
            }
            var sum = 0;
            for (var i = 0; i < GroupSize / 2; i++)
                sum += codes[i];
            return sum;
        }
    }

    private struct ValuesJob : IParallelJob
    {
        public QuantizedActivations From;
        public float* Values;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(From.Tokens, worker, workers);
            var columns = From.Order is null ? default : From.Order.Columns;
            for (var t = start; t < end; t++)
                for (var g = 0; g * GroupSize < From.Columns; g++)
                {
                    var codes = From.Codes + (long)t * From.Stride;
                    var values = Values + (long)t * From.Columns;
                    var scale = From.Scales[(long)t * From.Groups + g];
                    var last = Math.Min(From.Columns, (g + 1) * GroupSize);
                    if (columns.IsEmpty)
                        for (var i = g * GroupSize; i < last; i++)
                            values[i] = scale * codes[i];
                    else
                        for (var i = g * GroupSize; i < last; i++)
                            values[columns[i]] = scale * codes[i];
                }
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void Row(float* x, int columns, int groups, sbyte* codes, float* scales, float* sums)
    {
        var g = 0;
        var whole = columns / GroupSize;
        if (Avx2.IsSupported && whole >= 4)
            for (; g < whole; g += 4)
            {
                g = Math.Min(g, whole - 4); // the last four may begin among those that are done
                FourGroups(x + g * GroupSize, codes + g * GroupSize, scales + g, sums + g);
            }
        if (Vector128.IsHardwareAccelerated)
            for (; g < whole; g++)
                (scales[g], sums[g]) = Group(x + g * GroupSize, codes + g * GroupSize);
        for (; g < groups; g++)
            (scales[g], sums[g]) = Group(x + g * GroupSize, Math.Clamp(columns - g * GroupSize, 0, GroupSize), codes + g * GroupSize);
    }

    /// <summary>Four at once: their maxima and sums are found, and divisions done, in one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourGroups(float* x, sbyte* codes, float* scales, float* sums)
    {
        var (a, b) = (Largest(x), Largest(x + GroupSize));
        var (c, d) = (Largest(x + 2 * GroupSize), Largest(x + 3 * GroupSize));
        var ab = Vector128.Max(Sse2.UnpackLow(a, b), Sse2.UnpackHigh(a, b));
        var cd = Vector128.Max(Sse2.UnpackLow(c, d), Sse2.UnpackHigh(c, d));
        var most = Vector128.Max(Sse2.UnpackLow(ab.AsInt64(), cd.AsInt64()).AsInt32(), Sse2.UnpackHigh(ab.AsInt64(), cd.AsInt64()).AsInt32());
        var max = Vector128.Max(most, Vector128.Create(LeastMax).AsInt32()).AsSingle();
        var inverse = Vector128.Create(127f) / max;
        var scale = max / Vector128.Create(127f);
        scale.Store(scales);
        var (ra, rb) = (Round(x, inverse[0], codes), Round(x + GroupSize, inverse[1], codes + GroupSize));
        var (rc, rd) = (Round(x + 2 * GroupSize, inverse[2], codes + 2 * GroupSize), Round(x + 3 * GroupSize, inverse[3], codes + 3 * GroupSize));
        var sum = Ssse3.HorizontalAdd(Ssse3.HorizontalAdd(ra, rb), Ssse3.HorizontalAdd(rc, rd));
        (scale * Vector128.ConvertToSingle(sum)).Store(sums);
    }

    /// <summary>The bits of the largest magnitudes of a group, in four parts; as integers they are in order too, with a NaN above all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Largest(float* x)
    {
        var magnitude = Vector256.Create(0x7fffffff);
        var (x0, x1) = (Vector256.Load((int*)x) & magnitude, Vector256.Load((int*)x + 8) & magnitude);
        var (x2, x3) = (Vector256.Load((int*)x + 16) & magnitude, Vector256.Load((int*)x + 24) & magnitude);
        var most = Vector256.Max(Vector256.Max(x0, x1), Vector256.Max(x2, x3));
        return Vector128.Max(most.GetLower(), most.GetUpper());
    }

    /// <summary>The codes of a group; returns their sum, in four parts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Round(float* x, float inverse, sbyte* codes)
    {
        var by = Vector256.Create(inverse);
        // to nearest, half to even
        var (i0, i1) = (Avx.ConvertToVector256Int32(Vector256.Load(x) * by), Avx.ConvertToVector256Int32(Vector256.Load(x + 8) * by));
        var (i2, i3) = (Avx.ConvertToVector256Int32(Vector256.Load(x + 16) * by), Avx.ConvertToVector256Int32(Vector256.Load(x + 24) * by));
        // packing goes by halves of 128 bits: four codes of each vector at a time, put in order at the end
        var packed = Avx2.PackSignedSaturate(Avx2.PackSignedSaturate(i0, i1), Avx2.PackSignedSaturate(i2, i3)).AsInt32();
        Avx2.PermuteVar8x32(packed, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsSByte().Store(codes);
        var sum = i0 + i1 + (i2 + i3);
        return sum.GetLower() + sum.GetUpper();
    }

    /// <summary>A whole group where vectors have 128 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (float Scale, float Sum) Group(float* x, sbyte* codes)
    {
        var magnitude = Vector128.Create(0x7fffffff);
        var most = Vector128.Create(LeastMax).AsInt32();
        for (var i = 0; i < GroupSize; i += Vector128<int>.Count)
            most = Vector128.Max(most, Vector128.Load((int*)x + i) & magnitude);
        most = Vector128.Max(most, Vector128.Shuffle(most, Vector128.Create(2, 3, 0, 1)));
        most = Vector128.Max(most, Vector128.Shuffle(most, Vector128.Create(1, 0, 3, 2)));
        var max = most.AsSingle().ToScalar();
        var inverse = Vector128.Create(127 / max);
        var sums = Vector128<int>.Zero;
        for (var i = 0; i < GroupSize; i += Vector128<sbyte>.Count)
        {
            var (i0, i1) = (Nearest(x + i, inverse), Nearest(x + i + 4, inverse));
            var (i2, i3) = (Nearest(x + i + 8, inverse), Nearest(x + i + 12, inverse));
            Vector128.Narrow(Vector128.Narrow(i0, i1), Vector128.Narrow(i2, i3)).Store(codes + i);
            sums += i0 + i1 + (i2 + i3);
        }
        return (max / 127, max / 127 * Vector128.Sum(sums));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<int> Nearest(float* x, Vector128<float> by) => Vector128.ConvertToInt32Native(Vector128.Round(Vector128.Load(x) * by));
    }

    private static (float Scale, float Sum) Group(float* x, int count, sbyte* codes)
    {
        var max = LeastMax;
        for (var i = 0; i < count; i++)
            max = MathF.Max(max, MathF.Abs(x[i]));
        var inverse = 127 / max;
        var sum = 0;
        for (var i = 0; i < GroupSize; i++)
            sum += codes[i] = i < count ? (sbyte)MathF.Round(x[i] * inverse) : (sbyte)0;
        return (max / 127, max / 127 * sum);
    }
}
