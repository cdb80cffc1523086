namespace Vernier.Kernels.Tests;

public sealed unsafe class Int8GemmTests : IntegerProductTests
{
    private static readonly (int Tokens, int Rows, int Columns, int Group)[] Cases =
    [
        (1, 1, 1, 0), (1, 4, 64, 32), (1, 9, 65, 32), (2, 33, 100, 64), (3, 6, 1100, 128), (4, 17, 352, 32), (5, 32, 64, 0),
        (6, 31, 33, 32), (7, 64, 576, 32), (13, 65, 200, 96), (20, 100, 130, 64), (50, 3, 31, 0), (12, 70, 2120, 128),
        (1, 21, 224, 32), (1, 13, 256, 32), (1, 12, 512, 32), (1, 33, 576, 32), (1, 17, 1376, 32),
        (1, 12, 320, 32), (1, 20, 384, 32), (1, 7, 448, 32), (1, 29, 600, 32), (1, 36, 704, 32), (1, 8, 768, 32), (1, 15, 1152, 32),
        (2, 16, 512, 32), (3, 24, 576, 32), (4, 8, 640, 32), (5, 480, 576, 32), (8, 40, 1024, 32), (11, 16, 768, 32), (13, 8, 1536, 32), (16, 72, 960, 32), (4, 12, 512, 32), (8, 8, 8192, 32),
    ];

    public static TheoryData<Tier, int, int> TiersBitsCases
    {
        get
        {
            var data = new TheoryData<Tier, int, int>();
            foreach (var tier in Tiers.Here)
                for (var bits = 2; bits <= 8; bits++)
                    for (var i = 0; i < Cases.Length; i++)
                        data.Add(tier, bits, i);
            return data;
        }
    }

    /// <summary>Tiers that integer gradients run on.</summary>
    public static TheoryData<Tier, int, int> WideTiersBitsCases
    {
        get
        {
            var data = new TheoryData<Tier, int, int>();
            foreach (var tier in Tiers.Here.Where(t => t >= Tier.Vector256))
                for (var bits = 2; bits <= 8; bits++)
                    for (var i = 0; i < Cases.Length; i++)
                        data.Add(tier, bits, i);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(TiersBitsCases))]
    public void ForwardAgreesWithReference(Tier tier, int bits, int index)
    {
        var (tokens, rows, columns, group) = Cases[index];
        using var weight = Matrices.Packed(rows, columns, bits, group, index);
        var (values, y) = (Matrices.Values(tokens * columns, 1), Matrices.Values(tokens * rows, 2));
        _x.Quantize(_one, values, tokens, columns);
        _absolute.Quantize(_one, Array.ConvertAll(values, MathF.Abs), tokens, columns);
        using var absolute = weight.WithScales(new TunedScales(weight.Scales));
        foreach (ref var offset in absolute.TunedScales.Offset.Span)
            offset = MathF.Abs(offset);
        var accumulate = index % 2 == 0;
        var (expected, magnitude) = ((float[])y.Clone(), Array.ConvertAll(y, MathF.Abs));
        Int8Reference.Forward(_x, weight, expected, accumulate);
        Int8Reference.Forward(_absolute, absolute, magnitude, true);
        var first = Matrices.Poisoned(y, to => Int8Gemm.Forward((InstructionTier)tier, _one, _x, weight, to, accumulate));
        Matrices.AssertClose(expected, first, magnitude, columns / 32);
        Assert.Equal(first, Matrices.Poisoned(y, to => Int8Gemm.Forward((InstructionTier)tier, _three, _x, weight, to, accumulate)));
    }

    /// <summary>Each token with factors of its own is that token alone with scales of its own.</summary>
    [Theory]
    [MemberData(nameof(TiersBitsCases))]
    public void FactorsOfTokensAgreeWithReference(Tier tier, int bits, int index)
    {
        var (tokens, rows, columns, group) = Cases[index];
        using var weight = Matrices.Packed(rows, columns, bits, group, index);
        var groups = weight.Groups;
        var values = Matrices.Values(tokens * columns, 1);
        var columnFactors = Array.ConvertAll(Matrices.Values(tokens * groups, 3), v => 1 + 0.2f * v);
        float[]?[] rowFactors = [.. Enumerable.Range(0, tokens).Select(t => t % 3 == 1 ? null : Array.ConvertAll(Matrices.Values(rows, 4 + t), v => 1 + 0.2f * v))];
        var (expected, magnitude) = (new float[tokens * rows], new float[tokens * rows]);
        for (var t = 0; t < tokens; t++)
        {
            var scales = new TunedScales(weight.Scales);
            using var own = weight.WithScales(scales);
            for (var i = 0; i < rows * groups; i++)
            {
                var factor = (rowFactors[t]?[i / groups] ?? 1) * columnFactors[t * groups + i % groups];
                (scales.Scale.Span[i], scales.Offset.Span[i]) = (scales.Scale.Span[i] * factor, scales.Offset.Span[i] * factor);
            }
            _x.Quantize(_one, values.AsSpan(t * columns), 1, columns);
            Int8Reference.Forward(_x, own, expected.AsSpan(t * rows, rows), false);
            foreach (ref var offset in scales.Offset.Span)
                offset = MathF.Abs(offset);
            _absolute.Quantize(_one, Array.ConvertAll(values[(t * columns)..((t + 1) * columns)], MathF.Abs), 1, columns);
            Int8Reference.Forward(_absolute, own, magnitude.AsSpan(t * rows, rows), false);
        }
        _x.Quantize(_one, values, tokens, columns);
        var found = new float[tokens * rows];
        foreach (var pool in new[] { _one, _three })
        {
            _x.BeginFactors(columnFactors, weight.GroupSize);
            Int8Gemm.Forward((InstructionTier)tier, pool, _x, weight, rowFactors, found);
            _x.EndFactors();
            Matrices.AssertClose(expected, found, magnitude, columns / 32 + 2);
        }
        Assert.Throws<ArgumentException>(() => _x.BeginFactors(columnFactors.AsSpan(1), weight.GroupSize));
        Assert.Throws<ArgumentException>(() => Int8Gemm.Forward(_one, _x, weight, new float[tokens + 1][], found));
    }

    [Fact]
    public void BackwardIsSupportedWhereTheVectorsAreWideEnough()
    {
        using var weight = Matrices.Packed(4, 64, 4, 0, 1);
        Assert.Equal(InstructionTiers.Best >= InstructionTier.Vector256, Int8Gemm.SupportsBackward(weight));
        using var grouped = Matrices.Packed(4, 64, 4, 32, 1);
        Assert.Equal(InstructionTiers.Best >= InstructionTier.Vector256, Int8Gemm.SupportsBackward(grouped));
        using var odd = Matrices.Packed(4, 64, 4, 16, 1);
        Assert.False(Int8Gemm.SupportsBackward(odd));
    }

    [WideVectorTheory]
    [MemberData(nameof(WideTiersBitsCases))]
    public void BackwardHasTheRightMeanAndTheBitsOfItsKey(Tier tier, int bits, int index)
    {
        var (_, _, columns, group) = Cases[index];
        BackwardHasTheRightMean(tier, bits, index, group: 0);
        if (group > 0 && group < columns)
            BackwardHasTheRightMean(tier, bits, index, group);
    }

    private void BackwardHasTheRightMean(Tier tier, int bits, int index, int group)
    {
        var (tokens, rows, columns, _) = Cases[index];
        using var weight = Matrices.Packed(rows, columns, bits, group, index);
        weight.TunedScales.Scale.Span[(rows - 1) * weight.Groups] = 0; // a row of equal weights
        var (dy, dx) = (Matrices.Values(tokens * rows, 1), Matrices.Values(tokens * columns, 2));
        var accumulate = index % 2 == 0;
        var expected = (float[])dx.Clone();
        GemmReference.BackwardInput(dy, tokens, weight, expected, accumulate);
        var first = Matrices.Poisoned(dx, to => Int8Gemm.BackwardInput((InstructionTier)tier, _one, dy, tokens, weight, 7, _gradient, to, accumulate));
        Assert.Equal(first, Matrices.Poisoned(dx, to => Int8Gemm.BackwardInput((InstructionTier)tier, _three, dy, tokens, weight, 7, _gradient, to, accumulate)));
        const int rounds = 64;
        var mean = new double[dx.Length];
        for (var key = 0u; key < rounds; key++)
        {
            var once = Matrices.Poisoned(dx, to => Int8Gemm.BackwardInput((InstructionTier)tier, _one, dy, tokens, weight, key * 1_000_003, _gradient, to, accumulate));
            for (var i = 0; i < mean.Length; i++)
                mean[i] += once[i] / (double)rounds;
        }
        var w = weight.ToArray();
        var (largest, ofGroup) = (new float[rows], new float[weight.Groups]);
        for (var i = 0; i < rows * weight.Groups; i++)
            ofGroup[i % weight.Groups] = MathF.Max(ofGroup[i % weight.Groups], weight.Groups == 1 ? 1 : Size(i));
        for (var i = 0; i < rows * weight.Groups; i++)
            largest[i / weight.Groups] = MathF.Max(largest[i / weight.Groups], Size(i) / ofGroup[i % weight.Groups]);
        for (var t = 0; t < tokens; t++)
            for (var j = 0; j < columns; j++)
            {
                // Each rounding is off by at most one step, max|dy r| c / 127 of its 32 rows, met by q + o / s where r is the row's only scale and c = 1;
                // else r c is no less than any scale, or offset whose zero point is no code, and is met by q less the middle.
                var variance = 0.0;
                for (var i = 0; i < rows; i++)
                {
                    var at = i * weight.Groups + weight.GroupOf(j);
                    var scale = weight.TunedScales.Scale.Span[at];
                    if (scale == 0)
                        continue;
                    var most = 0f;
                    for (var k = i / 32 * 32; k < Math.Min(rows, i / 32 * 32 + 32); k++)
                        most = MathF.Max(most, MathF.Abs(dy[t * rows + k] * largest[k]));
                    var met = weight.Groups == 1 ? w[i * columns + j] / scale : (w[i * columns + j] - weight.TunedScales.Offset.Span[at]) / scale - (1 << bits) / 2;
                    variance += Math.Pow(most * ofGroup[weight.GroupOf(j)] / 127 * met, 2) / 4;
                }
                var (found, right) = (mean[t * columns + j], expected[t * columns + j]);
                Assert.True(Math.Abs(found - right) <= 6 * Math.Sqrt(variance / rounds) + 1e-4 * (1 + Math.Abs(right)), $"{t} {j}: {found} where {right} is right, deviation {Math.Sqrt(variance / rounds)}");
            }

        float Size(int i) => MathF.Max(MathF.Abs(weight.TunedScales.Scale.Span[i]), weight.Groups == 1 ? 0 : MathF.Abs(weight.TunedScales.Offset.Span[i]) / (1 << bits));
    }

    [Fact]
    public void LargestCodesDoNotSaturate()
    {
        foreach (var tier in Tiers.Here)
            for (var bits = 2; bits <= 8; bits++)
                foreach (var tokens in new[] { 1, 7 })
                    foreach (var sign in new[] { 1f, -1f })
                    {
                        var columns = bits <= 4 ? 1344 : 320; // as many as floats can still count one by one
                        using var weight = new PackedMatrix(33, columns, bits, 32);
                        var codes = new byte[columns];
                        Array.Fill(codes, (byte)((1 << bits) - 1));
                        for (var r = 0; r < 33; r++)
                            weight.SetRowCodes(r, codes);
                        weight.TunedScales.Scale.Span.Fill(1);
                        var (x, y) = (new float[tokens * columns], new float[tokens * 33]);
                        Array.Fill(x, 127 * sign);
                        _x.Quantize(_one, x, tokens, columns);
                        Int8Gemm.Forward((InstructionTier)tier, _one, _x, weight, y, false);
                        Assert.All(y, v => Assert.Equal(127 * sign * columns * ((1 << bits) - 1), v));
                    }
    }

    [Theory]
    [InlineData(4, 8)]
    [InlineData(8, 128)]
    public void OneZeroPointForAllIsSeenAndForgotten(int bits, int zero)
    {
        const int rows = 21, columns = 160;
        using var weight = new PackedMatrix(rows, columns, bits, 32);
        var random = new Random(1);
        Matrices.SetRandomCodes(weight, random);
        var scale = weight.TunedScales.Scale.Span;
        var offset = weight.TunedScales.Offset.Span;
        for (var i = 0; i < scale.Length; i++)
            offset[i] = -zero * (scale[i] = i == 7 ? 0 : random.NextSingle());
        Assert.Equal(zero, weight.Scales.UniformZero);
        var x = Matrices.Values(columns, 2);
        _x.Quantize(_three, x, 1, columns);
        AssertReference(weight);
        weight.TunedScales.Offset.Span[3] += 0.5f;
        Assert.True(float.IsNaN(weight.Scales.UniformZero));
        AssertReference(weight);

        void AssertReference(PackedMatrix w)
        {
            var (expected, found) = (new float[rows], new float[rows]);
            Int8Reference.Forward(_x, w, expected, false);
            foreach (var tier in Tiers.Here)
            {
                Int8Gemm.Forward((InstructionTier)tier, _three, _x, w, found, false);
                for (var r = 0; r < rows; r++)
                    Assert.Equal(expected[r], found[r], 1e-3f * (1 << bits));
            }
        }
    }

    [Theory]
    [InlineData(33, 4, 8, 3, 64)]
    [InlineData(33, 4, 4, 4, 32)]
    [InlineData(32, 4, 4, 4, 32)] // of one kind: what is prepared for the first serves the others
    [InlineData(33, 4, 4, 4, 64)]
    [InlineData(32, 4, 4, 4, 64)]
    [InlineData(33, 8, 8, 8, 32)]
    [InlineData(33, 3, 3, 3, 32)]
    public void ThreeProductsAtOnceAreThoseOfEach(int rows, int bits, int bitsOfSecond, int bitsOfThird, int groupOfThird)
    {
        const int columns = 576;
        using var first = Measured(rows, bits, 32, 1);
        using var second = Measured(8, bitsOfSecond, 32, 2);
        using var third = Measured(70, bitsOfThird, groupOfThird, 3);
        foreach (var tokens in new[] { 1, 3, 9 })
        {
            _x.Quantize(_three, Matrices.Values(tokens * columns, 4), tokens, columns);
            float[][] together = [new float[tokens * rows], new float[tokens * 8], new float[tokens * 70]];
            Int8Gemm.Forward(_three, _x, first, together[0], second, together[1], third, together[2]);
            foreach (var (weight, y) in new[] { (first, together[0]), (second, together[1]), (third, together[2]) })
            {
                var alone = new float[y.Length];
                Int8Gemm.Forward(_three, _x, weight, alone);
                Assert.Equal(alone, y);
            }
        }

        static PackedMatrix Measured(int rows, int bits, int group, int seed)
        {
            var (weight, random) = (new PackedMatrix(rows, columns, bits, group), new Random(seed));
            Matrices.SetRandomCodes(weight, random);
            foreach (ref var s in weight.TunedScales.Scale.Span)
                s = random.NextSingle();
            foreach (ref var o in weight.TunedScales.Offset.Span)
                o = random.NextSingle() - 0.5f;
            return weight;
        }
    }

    [Fact]
    public void ActivationsAreRoundedToNearest()
    {
        const int tokens = 5, columns = 77;
        var x = Matrices.Values(tokens * columns, 1);
        Array.Clear(x, columns, columns); // a token of zeros
        _x.Quantize(_three, x, tokens, columns);
        for (var t = 0; t < tokens; t++)
            for (var g = 0; g < _x.Groups; g++)
            {
                var (start, end) = (g * 32, Math.Min(g * 32 + 32, columns));
                var (max, sum, scale) = (QuantizedActivations.LeastMax, 0, _x.Scales[t * _x.Groups + g]);
                for (var c = start; c < g * 32 + 32; c++)
                {
                    var (value, code) = (c < end ? x[t * columns + c] : 0, _x.Codes[t * _x.Stride + c]);
                    max = MathF.Max(max, MathF.Abs(value));
                    sum += code;
                    Assert.True(Math.Abs(value - scale * code) <= scale * 0.5001f);
                    Assert.True(c < end || code == 0);
                }
                Assert.Equal(max / 127, scale);
                Assert.Equal(scale * sum, _x.Sums[t * _x.Groups + g]);
            }
    }

    [Fact]
    public void UnsupportedWeightsAreRefused()
    {
        _x.Quantize(_one, new float[64], 1, 64);
        using var small = new PackedMatrix(4, 64, 4, 24);
        Assert.False(Int8Gemm.Supports(small));
        Assert.Throws<NotSupportedException>(() => Int8Gemm.Forward(_one, _x, small, new float[4]));
        using var wide = new PackedMatrix(4, 65, 4, 32);
        Assert.Throws<ArgumentException>(() => Int8Gemm.Forward(_one, _x, wide, new float[4]));
        using var good = new PackedMatrix(4, 64, 4, 32);
        Assert.Throws<ArgumentException>(() => Int8Gemm.Forward(_one, _x, good, new float[3]));
        Assert.Throws<ArgumentException>(() => _x.Quantize(_one, new float[63], 1, 64));
    }
}
