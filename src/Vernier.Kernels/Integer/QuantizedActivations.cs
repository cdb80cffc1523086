using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Activations [tokens, columns] as signed bytes with one scale for each token and group of 32 columns, value = scale * code,
/// as in Q8_0 blocks: scale = max|x| / 127, codes rounded to nearest. Reusable: memory grows to the largest batch and stays.</summary>
public sealed unsafe class QuantizedActivations : IDisposable
{
    /// <summary>Columns that share a scale.</summary>
    public const int GroupSize = 32;

    // Whole tiles of tokens may be read past the last one.
    private const int SpareTokens = 8;

    private NativeBuffer<sbyte> _codes = new(0);
    private NativeBuffer<short> _wideCodes = new(0);
    private bool _isWide;
    private NativeBuffer<float> _scales = new(0);
    private NativeBuffer<float> _sums = new(0);
    private NativeBuffer<float> _factored = new(0); // scales, then sums
    private bool _hasFactors;
    private NativeBuffer<float> _factoredTotals = new(0);
    private NativeBuffer<float> _totals = new(0);
    private NativeBuffer<float> _folds = new(0);
    private NativeBuffer<float> _values = new(0);

    /// <summary>Tokens held.</summary>
    public int Tokens { get; private set; }

    /// <summary>Columns held.</summary>
    public int Columns { get; private set; }

    /// <summary>Columns rounded up to whole chunks of 64, the distance from token to token in codes; the rest is zero.</summary>
    internal int Stride { get; private set; }

    /// <summary>Groups of a token, the padding's included.</summary>
    internal int Groups => Stride / GroupSize;

    /// <summary>[tokens, Stride].</summary>
    internal sbyte* Codes => _codes.Pointer;

    /// <summary>[tokens, Stride]: the codes after <see cref="Widen"/>.</summary>
    internal short* WideCodes => _wideCodes.Pointer;

    /// <summary>[tokens, Groups].</summary>
    internal float* Scales => _hasFactors ? _factored.Pointer : _scales.Pointer;

    /// <summary>Scale times the sum of the codes, [tokens, Groups]: what an offset of the weight is multiplied by.</summary>
    internal float* Sums => _hasFactors ? _factored.Pointer + _factored.Length / 2 : _sums.Pointer;

    /// <summary>A token's sums together, [tokens].</summary>
    internal float* Totals => _hasFactors ? _factoredTotals.Pointer : _totals.Pointer;

    /// <summary>[tokens, columns]: scale * code.</summary>
    internal ReadOnlySpan<float> Values
    {
        get
        {
            Grow(ref _values, (long)Tokens * Columns);
            for (var t = 0; t < Tokens; t++)
            {
                var codes = Codes + (long)t * Stride;
                var scales = Scales + (long)t * Groups;
                var values = _values.Slice((long)t * Columns, Columns);
                for (var i = 0; i < values.Length; i++)
                    values[i] = scales[i / GroupSize] * codes[i];
            }
            return _values.Slice(0, Tokens * Columns);
        }
    }

    /// <summary>Takes <paramref name="x"/> [tokens, columns] in.</summary>
    /// <exception cref="ArgumentException">The span is too short.</exception>
    public void Quantize(WorkerPool pool, ReadOnlySpan<float> x, int tokens, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        if ((long)tokens * columns > x.Length)
            throw new ArgumentException($"{x.Length} elements for {tokens} tokens of {columns} features.", nameof(x));
        Reserve(tokens, columns);
        fixed (float* source = x)
        {
            var job = new Job { Source = source, Target = this };
            if ((long)tokens * columns < 16384)
                job.Execute(0, 1); // done before another thread would have begun
            else
                pool.Run(ref job);
        }
    }

    /// <summary>From here to <see cref="EndFactors"/> products see the activations as <see cref="Multiply"/> changes them.</summary>
    public void BeginFactors()
    {
        Grow(ref _factored, 2 * _scales.Length);
        _scales.Span.CopyTo(_factored.Slice(0, (int)_scales.Length));
        _sums.Span.CopyTo(_factored.Slice(_factored.Length / 2, (int)_sums.Length));
        Grow(ref _factoredTotals, _totals.Length);
        _totals.Span.CopyTo(_factoredTotals.Span);
        _hasFactors = true;
    }

    /// <summary>Multiplies the columns of one token, group by group.</summary>
    /// <param name="factors">One for each group of <paramref name="groupSize"/> columns.</param>
    /// <param name="groupSize">A multiple of 32, or all columns.</param>
    public void Multiply(int token, ReadOnlySpan<float> factors, int groupSize)
    {
        var scales = Scales + (long)token * Groups;
        var sums = Sums + (long)token * Groups;
        var (total, g) = (0f, 0);
        for (var i = 0; i < factors.Length; i++)
        {
            var factor = factors[i];
            for (var end = i == factors.Length - 1 ? Groups : (i + 1) * (groupSize / GroupSize); g < end; g++)
            {
                scales[g] *= factor;
                sums[g] *= factor;
                total += sums[g];
            }
        }
        Totals[token] = total;
    }

    /// <summary>Undoes <see cref="Multiply"/>.</summary>
    public void EndFactors() => _hasFactors = false;

    /// <summary>Takes an output gradient dY [tokens, out] in for dX = dY Ŵ, Ŵ = s (q + o / s) with one scale a row: dY·s is rounded up or down at
    /// random, so that its mean is right, and met by the codes alone; the offsets' share of a token's dX is one number, its total.</summary>
    /// <param name="weight">One group a row.</param>
    /// <param name="key">Same key, same roundings, whatever the number of workers.</param>
    /// <exception cref="ArgumentException">The span is too short.</exception>
    internal void QuantizeGradient(WorkerPool pool, ReadOnlySpan<float> dy, int tokens, PackedMatrix weight, uint key)
    {
        if ((long)tokens * weight.Rows > dy.Length)
            throw new ArgumentException($"{dy.Length} elements for {tokens} tokens of {weight.Rows} features.", nameof(dy));
        Reserve(tokens, weight.Rows);
        Grow(ref _folds, 3L * Stride);
        var folds = new GradientFolds(_folds.Pointer, Stride);
        folds.Set(weight);
        fixed (float* source = dy)
        {
            var job = new GradientJob { Source = source, Target = this, Folds = folds, Key = key };
            pool.Run(ref job);
        }
    }

    /// <summary>Makes <see cref="WideCodes"/>, if these codes have none yet.</summary>
    internal void Widen()
    {
        if (_isWide)
            return;
        _isWide = true;
        var count = Tokens * (long)Stride;
        Grow(ref _wideCodes, count + SpareTokens * (long)Stride);
        for (long i = 0; i < count; i += Vector128<sbyte>.Count)
            Avx2.ConvertToVector256Int16(Vector128.Load(Codes + i)).Store(WideCodes + i);
    }

    private void Reserve(int tokens, int columns)
    {
        _isWide = false;
        (Tokens, Columns, Stride) = (tokens, columns, GemmDriver.RoundUp(columns, CodePlanes.Chunk));
        Grow(ref _codes, (tokens + SpareTokens) * (long)Stride);
        Grow(ref _scales, (tokens + SpareTokens) * (long)Groups);
        Grow(ref _sums, (tokens + SpareTokens) * (long)Groups);
        Grow(ref _totals, tokens + SpareTokens);
    }

    public void Dispose()
    {
        _factored.Dispose();
        _codes.Dispose();
        _wideCodes.Dispose();
        _scales.Dispose();
        _sums.Dispose();
        _totals.Dispose();
        _factoredTotals.Dispose();
        _folds.Dispose();
        _values.Dispose();
    }

    private static float Sum(ReadOnlySpan<float> values)
    {
        var sum = 0f;
        foreach (var value in values)
            sum += value;
        return sum;
    }

    private static void Grow<T>(ref NativeBuffer<T> buffer, long length)
        where T : unmanaged
    {
        if (buffer.Length >= length)
            return;
        buffer.Dispose();
        buffer = new NativeBuffer<T>(length);
    }

    private struct Job : IParallelJob
    {
        public float* Source;
        public QuantizedActivations Target;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = GemmDriver.Share(Target.Tokens, worker, workers);
            for (var t = start; t < end; t++)
            {
                var sums = Target.Sums + (long)t * Target.Groups;
                Row(Source + (long)t * Target.Columns, Target.Columns, Target.Groups, Target.Codes + (long)t * Target.Stride, Target.Scales + (long)t * Target.Groups, sums);
                Target.Totals[t] = Sum(new(sums, Target.Groups));
            }
        }
    }

    private struct GradientJob : IParallelJob
    {
        public float* Source;
        public QuantizedActivations Target;
        public GradientFolds Folds;
        public uint Key;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = GemmDriver.Share(Target.Tokens, worker, workers);
            for (var t = start; t < end; t++)
                Target.Totals[t] = Folds.Row(Source + (long)t * Target.Columns, Target.Columns, Key + (uint)t * (uint)Target.Stride,
                    Target.Codes + (long)t * Target.Stride, Target.Scales + (long)t * Target.Groups);
        }
    }

    private static void Row(float* x, int columns, int groups, sbyte* codes, float* scales, float* sums)
    {
        for (var g = 0; g < groups; g++, x += GroupSize, codes += GroupSize, columns -= GroupSize)
            if (columns >= GroupSize && Vector256.IsHardwareAccelerated)
                (scales[g], sums[g]) = GroupVector(x, codes);
            else
                (scales[g], sums[g]) = GroupScalar(x, Math.Clamp(columns, 0, GroupSize), codes);
    }

    private static (float Scale, float Sum) GroupVector(float* x, sbyte* codes)
    {
        var (x0, x1, x2, x3) = (Vector256.Load(x), Vector256.Load(x + 8), Vector256.Load(x + 16), Vector256.Load(x + 24));
        var most = Vector256.Max(Vector256.Max(Vector256.Abs(x0), Vector256.Abs(x1)), Vector256.Max(Vector256.Abs(x2), Vector256.Abs(x3)));
        var half = Vector128.Max(most.GetLower(), most.GetUpper());
        var max = MathF.Max(MathF.Max(half[0], half[1]), MathF.Max(half[2], half[3]));
        var inverse = Vector256.Create(max > 0 ? 127 / max : 0);
        var (i0, i1) = (Round(x0 * inverse), Round(x1 * inverse));
        var (i2, i3) = (Round(x2 * inverse), Round(x3 * inverse));
        Vector256.Narrow(Vector256.Narrow(i0, i1), Vector256.Narrow(i2, i3)).Store(codes);
        var scale = max / 127;
        return (scale, scale * Vector256.Sum(i0 + i1 + i2 + i3));

        static Vector256<int> Round(Vector256<float> v) => Vector256.ConvertToInt32(Vector256.Round(v));
    }

    private static (float Scale, float Sum) GroupScalar(float* x, int count, sbyte* codes)
    {
        var max = 0f;
        for (var i = 0; i < count; i++)
            max = MathF.Max(max, MathF.Abs(x[i]));
        var inverse = max > 0 ? 127 / max : 0;
        var sum = 0;
        for (var i = 0; i < GroupSize; i++)
            sum += codes[i] = i < count ? (sbyte)MathF.Round(x[i] * inverse) : (sbyte)0;
        return (max / 127, max / 127 * sum);
    }
}
