namespace Vernier.Kernels.Tests;

public sealed class NarrowScalesTests : IDisposable
{
    // Tokens whose weight's rows come in eights, as some bodies want them.
    private const int Blocks = 5;

    private readonly WorkerPool _pool = new(2);
    private readonly QuantizedActivations _x = new();

    public static TheoryData<InstructionTier, int, int, int, bool> Products
    {
        get
        {
            var data = new TheoryData<InstructionTier, int, int, int, bool>();
            foreach (var tier in Enum.GetValues<InstructionTier>().Where(InstructionTiers.IsSupported))
                foreach (var tokens in new[] { 1, 3, Blocks, 9 })
                    foreach (var uniform in new[] { true, false })
                    {
                        foreach (var columns in new[] { 64, 200, 224, 256, 320, 384, 448, 576, 600, 704, 768, 1376 })
                            data.Add(tier, 4, tokens, columns, uniform);
                        foreach (var bits in new[] { 2, 3, 5, 8 })
                            foreach (var columns in new[] { 64, 200, 576 })
                                data.Add(tier, bits, tokens, columns, uniform);
                    }
            return data;
        }
    }

    public void Dispose()
    {
        _pool.Dispose();
        _x.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ComeBackToTheBit(bool uniform)
    {
        using var weight = Weight(13, 224, uniform);
        using var before = weight.Scales.Clone();
        var floats = weight.Scales.Bytes;
        Assert.True(weight.NarrowScales());
        Assert.InRange(weight.Scales.Bytes, 1, (uniform ? 0.3 : 0.6) * floats);
        Assert.Equal(before.UniformZero, weight.Scales.UniformZero);
        using var copy = weight.Scales.Clone();
        Assert.True(copy.IsNarrow);
        var (scale, offset) = (new float[7], new float[7]);
        weight.Scales.ReadRow(12, scale, offset);
        Assert.Equal(before.Scale.Span[84..].ToArray(), scale);
        Assert.Equal(before.Offset.Span[84..].ToArray(), offset);
        foreach (var scales in new[] { weight.Scales, copy })
        {
            Assert.Equal(Bits(before.Offset), Bits(scales.Offset));
            Assert.Equal(Bits(before.Scale), Bits(scales.Scale));
            Assert.False(scales.IsNarrow);
        }
    }

    [Theory]
    [InlineData(0.1f, -1f)]          // a scale that is no half
    [InlineData(0.125f, 1e-9f)]      // an offset below their range
    [InlineData(70000f, 0f)]
    [InlineData(float.NaN, 0f)]
    [InlineData(0.125f, float.PositiveInfinity)]
    public void StayAsTheyAreWhereABitWouldBeLost(float scale, float offset)
    {
        using var weight = Weight(13, 224, uniform: false);
        (weight.Scales.Scale.Span[40], weight.Scales.Offset.Span[40]) = (scale, offset);
        using var before = weight.Scales.Clone();
        Assert.False(weight.NarrowScales());
        Assert.Equal(Bits(before.Scale), Bits(weight.Scales.Scale));
        Assert.Equal(Bits(before.Offset), Bits(weight.Scales.Offset));
    }

    [Fact]
    public void StayInFp32WhereNoProductReadsHalves()
    {
        foreach (var (bits, group) in new[] { (8, 64), (4, 64), (4, 0), (3, 16) })
        {
            using var weight = new PackedMatrix(4, 64, bits, group);
            Assert.False(weight.NarrowScales());
        }
    }

    /// <summary>Every product and every tile has the bits that it has with the same scales in fp32.</summary>
    [Theory]
    [MemberData(nameof(Products))]
    public void ChangeNoProduct(InstructionTier tier, int bits, int tokens, int columns, bool uniform)
    {
        var rows = tokens == Blocks ? 40 : 37;
        using var weight = Weight(rows, columns, uniform, bits);
        _x.Quantize(_pool, Matrices.Values(tokens * columns, 3), tokens, columns);
        var (expected, found) = (new float[tokens * rows], new float[tokens * rows]);
        var (tile, narrowTile) = (new float[rows * columns], new float[rows * columns]);
        Int8Gemm.Forward(tier, _pool, _x, weight, expected, false);
        weight.ReadTile(0, rows, 0, columns, tile, columns);
        Assert.True(weight.NarrowScales());
        Int8Gemm.Forward(tier, _pool, _x, weight, found, false);
        weight.ReadTile(0, rows, 0, columns, narrowTile, columns);
        Assert.Equal(expected, found);
        Assert.Equal(tile, narrowTile);
        weight.ReadTile(3, 2, 37, columns - 40, narrowTile, columns);
        Assert.Equal(tile[(3 * columns + 37)..(4 * columns - 3)], narrowTile[..(columns - 40)]);
        Assert.True(weight.Scales.IsNarrow);
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void FactorsAreThoseOfEveryScale(InstructionTier tier, int bits, int tokens, int columns, bool uniform)
    {
        var rows = tokens == Blocks ? 40 : 36;
        using var weight = Weight(rows, columns, uniform, bits);
        var groups = weight.Groups;
        float[] row = [.. Enumerable.Range(0, rows).Select(i => 0.9f + 0.01f * i)];
        float[] column = [.. Enumerable.Range(0, groups).Select(i => 1.1f - 0.02f * i)];
        using var narrow = weight.Scales.Clone();
        var (scale, offset) = (weight.Scales.Scale, weight.Scales.Offset);
        for (var i = 0; i < scale.Length; i++)
        {
            var factor = row[i / groups] * column[i % groups];
            (scale.Span[i], offset.Span[i]) = (scale.Span[i] * factor, offset.Span[i] * factor);
        }
        _x.Quantize(_pool, Matrices.Values(tokens * columns, 3), tokens, columns);
        var (expected, found, magnitude) = (new float[tokens * rows], new float[tokens * rows], new float[tokens * rows]);
        var (tile, factoredTile) = (new float[rows * columns], new float[rows * columns]);
        Int8Reference.Forward(_x, weight, expected, false);
        weight.ReadTile(0, rows, 0, columns, tile, columns);
        using var exact = weight.Scales;
        weight.Scales = narrow;
        Assert.True(weight.NarrowScales());
        Assert.True(narrow.Factor(row, column));
        Assert.False(narrow.Factor(row, column));
        Int8Gemm.Forward(tier, _pool, _x, weight, found, false);
        weight.ReadTile(0, rows, 0, columns, factoredTile, columns);
        Assert.Equal(tile, factoredTile);
        using var copy = narrow.Clone();
        Assert.True(copy.IsNarrow);
        Array.Fill(magnitude, (float)((1 << bits) - 1) * columns); // scales and activations below 1
        Matrices.AssertClose(expected, found, magnitude, groups);
        Assert.Equal(Bits(exact.Scale), Bits(copy.Scale));
        Assert.Equal(Bits(exact.Offset), Bits(narrow.Offset));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ChangedOnesAreRoundedWhereHalvesAreFineEnough(bool uniform)
    {
        using var weight = Weight(12, 64, uniform);
        foreach (ref var s in weight.Scales.Scale.Span)
            s = MathF.Abs(s) < 1e-3f ? 0 : s; // subnormal ones are too coarse once they change
        if (uniform)
            for (var i = 0; i < 24; i++)
                weight.Scales.Offset.Span[i] = -8 * weight.Scales.Scale.Span[i];
        Assert.False(weight.Scales.Clone().Round()); // they never were halves
        Assert.True(weight.NarrowScales());
        var halves = weight.Scales.Bytes;
        for (var i = 0; i < 24; i++)
        {
            weight.Scales.Scale.Span[i] *= 1 + 0.01f * i;
            weight.Scales.Offset.Span[i] *= 1 + 0.01f * i;
        }
        using var before = weight.Scales.Clone();
        Assert.True(weight.RoundScales());
        Assert.Equal(halves, weight.Scales.Bytes);
        Assert.Equal(before.Scale.Span.ToArray().Select(v => (float)(Half)v), weight.Scales.Scale.Span.ToArray());
        Assert.Equal(before.Offset.Span.ToArray().Select(v => (float)(Half)v), weight.Scales.Offset.Span.ToArray());
    }

    [Theory]
    [InlineData(70000f, 1f, false)]
    [InlineData(1e-7f, 1f, false)]
    [InlineData(float.NaN, 1f, false)]
    [InlineData(0.1f, float.NegativeInfinity, false)]
    [InlineData(1e-3f, 1e-5f, true)]   // an offset far below the step between two codes
    [InlineData(1e-4f, 1e-5f, true)]
    [InlineData(0f, 1e-7f, false)]
    public void NoneIsRoundedWhereAHalfIsTooCoarse(float scale, float offset, bool expected)
    {
        using var weight = Weight(12, 64, uniform: false);
        Assert.True(weight.NarrowScales());
        weight.Scales.Scale.Span.Fill(0.3f);
        (weight.Scales.Scale.Span[20], weight.Scales.Offset.Span[20]) = (scale, offset);
        using var before = weight.Scales.Clone();
        Assert.Equal(expected, weight.RoundScales());
        if (!expected)
            Assert.Equal(Bits(before.Scale), Bits(weight.Scales.Scale));
        Assert.Equal(expected ? (float)(Half)0.3f : 0.3f, weight.Scales.Scale.Span[0]);
    }

    [Fact]
    public void CopiesShareWhatNeverChanges()
    {
        using var weight = Weight(12, 64, uniform: false);
        using var before = weight.Scales.Clone();
        Assert.True(weight.NarrowScales());
        var (first, second) = (weight.Scales.Clone(), weight.Scales.Clone());
        Assert.True(first.Factor(new float[12], []));
        second.Scale.Span.Fill(7);
        second.Dispose();
        first.Dispose();
        first.Dispose();
        using var last = weight.Scales;
        weight.Scales = last.Clone();
        weight.Scales.Dispose();
        Assert.Equal(Bits(before.Scale), Bits(last.Scale));
        Assert.Equal(Bits(before.Offset), Bits(last.Offset));
    }

    [Fact]
    public void FactorsNeedHalvesAndRowsInFours()
    {
        using var floats = Weight(8, 64, uniform: true);
        Assert.False(floats.Scales.Factor(new float[8], new float[2]));
        using var odd = Weight(9, 64, uniform: true);
        Assert.True(odd.NarrowScales());
        Assert.False(odd.Scales.Factor(new float[9], []));
        Assert.Throws<ArgumentException>(() => odd.Scales.Factor(new float[8], []));
    }

    // Scales that are halves, subnormal and negative ones and zeros among them; offsets that make the middle code zero, or any halves.
    private static PackedMatrix Weight(int rows, int columns, bool uniform, int bits = 4)
    {
        var (weight, random, codes) = (new PackedMatrix(rows, columns, bits, 32), new Random(columns), new byte[columns]);
        for (var r = 0; r < rows; r++)
        {
            for (var c = 0; c < columns; c++)
                codes[c] = (byte)random.Next(1 << bits);
            weight.SetRowCodes(r, codes);
        }
        var scale = weight.Scales.Scale.Span;
        var offset = weight.Scales.Offset.Span;
        for (var i = 0; i < scale.Length; i++)
        {
            scale[i] = (float)(Half)(i % 11 == 0 ? 0 : i % 7 == 0 ? 1e-7f * random.Next(20) : random.NextSingle() - 0.4f);
            offset[i] = uniform ? -(1 << (bits - 1)) * scale[i] : (float)(Half)(random.NextSingle() - 0.5f);
        }
        return weight;
    }

    private static int[] Bits(NativeBuffer<float> values) => [.. values.Span.ToArray().Select(BitConverter.SingleToInt32Bits)];
}
