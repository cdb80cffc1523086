using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The output gradients of a few tokens times the scales of one group of columns, as bytes: dY·s is rounded up or down at random with the
/// right mean, one scale for a token and 32 rows. What the offsets contribute, Σ dY·o, is one number a token.</summary>
internal readonly unsafe struct GroupTile
{
    private const int GroupSize = QuantizedActivations.GroupSize;
    private const int Parts = 4; // of a maximum

    private readonly int _stride;
    private readonly sbyte* _codes;
    private readonly short* _wide;
    private readonly float* _scales;
    private readonly float* _totals;
    private readonly float* _maxima;
    private readonly float* _inverses;

    /// <param name="memory"><see cref="Floats"/> floats.</param>
    /// <param name="stride">Rows of the weight, rounded up to whole groups.</param>
    /// <param name="bits">Of the weight's codes.</param>
    public GroupTile(float* memory, int stride, int tokens, int bits)
    {
        var scales = Scales(stride, tokens);
        _stride = stride;
        _maxima = memory;
        _scales = _maxima + Parts * scales;
        _inverses = _scales + scales;
        _totals = _inverses + scales;
        _codes = (sbyte*)(_totals + tokens);
        _wide = Int8Codes.AreWide(bits) ? (short*)(_codes + (long)tokens * stride) : null;
        Operand = new Int8Tokens
        {
            Codes = _wide == null ? (byte*)_codes : (byte*)_wide,
            Scales = _scales,
            Totals = _totals,
            Stride = (long)stride * Int8Codes.Bytes(bits),
            Groups = stride / GroupSize,
        };
    }

    public static int Floats(int stride, int tokens) => (Parts + 2) * Scales(stride, tokens) + tokens + tokens * stride * (sizeof(sbyte) + sizeof(short)) / sizeof(float);

    // Made four at a time.
    private static int Scales(int stride, int tokens) => GemmDriver.RoundUp(tokens * (stride / GroupSize), 4);

    /// <summary>What <see cref="Round"/> has made, as operand of a panel without scales.</summary>
    public Int8Tokens Operand { get; }

    /// <summary>Three passes, each without a chain of operations that wait for each other: maxima and totals, scales, codes.</summary>
    /// <param name="dy">[tokens, rows].</param>
    /// <param name="first">The number of the first token, which the noise depends on.</param>
    [SkipLocalsInit]
    public void Round(float* dy, int rows, int tokens, uint first, GroupFolds folds)
    {
        var padded = stackalloc float[tokens * GroupSize];
        var whole = rows / GroupSize * GroupSize;
        new Span<float>(padded, tokens * GroupSize).Clear();
        for (var t = 0; t < tokens && whole < rows; t++)
            new Span<float>(dy + (long)t * rows + whole, rows - whole).CopyTo(new Span<float>(padded + t * GroupSize, GroupSize));
        FindMaxima(dy, rows, padded, tokens, folds);
        FindScales(Scales(_stride, tokens));
        FindCodes(dy, rows, padded, tokens, first, folds);
        if (_wide != null)
            for (var i = 0; i < tokens * _stride; i += Vector128<sbyte>.Count)
                Avx2.ConvertToVector256Int16(Vector128.Load(_codes + i)).Store(_wide + i);
    }

    /// <summary>The largest |dY·s| of each group, in four parts, and Σ dY·o.</summary>
    /// <param name="padded">[tokens, 32]: the rows behind the last whole group, then zeros.</param>
    [MethodImpl(Kernel.Body)]
    private void FindMaxima(float* dy, int rows, float* padded, int tokens, GroupFolds folds)
    {
        var groups = _stride / GroupSize;
        var totals = stackalloc float[tokens * Vector256<float>.Count];
        new Span<float>(totals, tokens * Vector256<float>.Count).Clear();
        for (var group = 0; group * GroupSize < rows; group++)
        {
            var isWhole = (group + 1) * GroupSize <= rows;
            var source = isWhole ? dy + group * GroupSize : padded;
            var distance = isWhole ? rows : GroupSize;
            var offset = folds.Offset + group * GroupSize;
            var scale = folds.Scale + group * GroupSize;
            var (o0, o1, o2, o3) = (Vector256.Load(offset), Vector256.Load(offset + 8), Vector256.Load(offset + 16), Vector256.Load(offset + 24));
            var (s0, s1, s2, s3) = (Vector256.Load(scale), Vector256.Load(scale + 8), Vector256.Load(scale + 16), Vector256.Load(scale + 24));
            var total = totals;
            var maxima = _maxima + group * Parts;
            for (var t = 0; t < tokens; t++, source += distance, total += Vector256<float>.Count, maxima += groups * Parts)
            {
                var (d0, d1, d2, d3) = (Vector256.Load(source), Vector256.Load(source + 8), Vector256.Load(source + 16), Vector256.Load(source + 24));
                var even = Fma.MultiplyAdd(d0, o0, Fma.MultiplyAdd(d2, o2, Vector256.Load(total)));
                (even + Fma.MultiplyAdd(d1, o1, d3 * o3)).Store(total);
                var most = Avx.Max(Avx.Max(Vector256.Abs(d0 * s0), Vector256.Abs(d1 * s1)), Avx.Max(Vector256.Abs(d2 * s2), Vector256.Abs(d3 * s3)));
                Sse.Max(most.GetLower(), most.GetUpper()).Store(maxima);
            }
        }
        for (var t = 0; t < tokens; t++)
            _totals[t] = Vector256.Sum(Vector256.Load(totals + t * Vector256<float>.Count));
    }

    [MethodImpl(Kernel.Body)]
    private void FindScales(int count)
    {
        for (var i = 0; i < count; i += 4)
        {
            var maxima = _maxima + i * Parts;
            var (a, b) = (Vector128.Load(maxima), Vector128.Load(maxima + 4));
            var (c, d) = (Vector128.Load(maxima + 8), Vector128.Load(maxima + 12));
            var (low, high) = (Sse.Max(Sse.UnpackLow(a, b), Sse.UnpackHigh(a, b)), Sse.Max(Sse.UnpackLow(c, d), Sse.UnpackHigh(c, d)));
            var max = Sse.Max(Sse.Max(Sse.MoveLowToHigh(low, high), Sse.MoveHighToLow(high, low)), Vector128.Create(QuantizedActivations.LeastMax));
            (max * (1f / 127)).Store(_scales + i);
            (Vector128.Create(127f) / max).Store(_inverses + i);
        }
    }

    [MethodImpl(Kernel.Body)]
    private void FindCodes(float* dy, int rows, float* padded, int tokens, uint first, GroupFolds folds)
    {
        var groups = _stride / GroupSize;
        var order = Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7);
        for (var group = 0; group * GroupSize < rows; group++)
        {
            var isWhole = (group + 1) * GroupSize <= rows;
            var source = isWhole ? dy + group * GroupSize : padded;
            var distance = isWhole ? rows : GroupSize;
            var scale = folds.Scale + group * GroupSize;
            var noise = folds.Noise + group * GroupSize;
            var (s0, s1, s2, s3) = (Vector256.Load(scale), Vector256.Load(scale + 8), Vector256.Load(scale + 16), Vector256.Load(scale + 24));
            var codes = _codes + group * GroupSize;
            var (n0, n1, n2, n3) = (Vector256.Load(noise), Vector256.Load(noise + 8), Vector256.Load(noise + 16), Vector256.Load(noise + 24));
            for (var t = 0; t < tokens; t++, source += distance, codes += _stride)
            {
                var inverse = Vector256.Create(_inverses[t * groups + group]);
                var shift = Vector256.Create((first + (uint)t) * 0x9E3779B1u);
                var low = Avx2.PackSignedSaturate(
                    Codes(Vector256.Load(source) * s0, inverse, n0 + shift), Codes(Vector256.Load(source + 8) * s1, inverse, n1 + shift));
                var high = Avx2.PackSignedSaturate(
                    Codes(Vector256.Load(source + 16) * s2, inverse, n2 + shift), Codes(Vector256.Load(source + 24) * s3, inverse, n3 + shift));
                var bytes = Avx2.PackSignedSaturate(low, high); // 4 of each in turn, in both halves
                Avx2.PermuteVar8x32(bytes.AsInt32(), order).AsSByte().Store(codes);
            }
        }
    }

    // Rounding to nearest of value + u - 1/2 is right on average for u uniform in [0, 1). The noise's upper bits are the digits of 1 + u.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Codes(Vector256<float> value, Vector256<float> inverse, Vector256<uint> noise)
    {
        var u = ((noise >> 9) | Vector256.Create(0x3f800000u)).AsSingle();
        return Avx.ConvertToVector256Int32(Fma.MultiplyAdd(value, inverse, Vector256.Create(-1.5f)) + u);
    }
}
