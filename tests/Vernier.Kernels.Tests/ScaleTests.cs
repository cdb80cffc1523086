namespace Vernier.Kernels.Tests;

public sealed class ScaleTests : IDisposable
{
    // Tokens whose weight's rows come in eights, as some bodies want them.
    private const int Blocks = 5;

    private readonly WorkerPool _pool = new(2);
    private readonly QuantizedActivations _x = new();

    public static TheoryData<Tier, int, int, int, bool> Products
    {
        get
        {
            var data = new TheoryData<Tier, int, int, int, bool>();
            foreach (var tier in Tiers.Here)
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
        var (floats, zero) = (weight.Scales.Bytes, weight.Scales.UniformZero);
        var (expectedScale, expectedOffset) = weight.Scales.ToArrays();
        weight.StoreScales();
        Assert.True(weight.Scales.IsHalf);
        var halves = weight.Scales.Bytes;
        Assert.InRange(halves, 1, (uniform ? 0.3 : 0.6) * floats);
        Assert.Equal(zero, weight.Scales.UniformZero);
        var (scale, offset) = (new float[7], new float[7]);
        weight.Scales.ReadRow(12, scale, offset);
        Assert.Equal(expectedScale[84..], scale);
        Assert.Equal(expectedOffset[84..], offset);
        using var tuned = new TunedScales(weight.Scales);
        foreach (var scales in new[] { weight.Scales, tuned.View })
        {
            Assert.Equal(Bits(expectedScale), Bits(scales.ToArrays().Scale));
            Assert.Equal(Bits(expectedOffset), Bits(scales.ToArrays().Offset));
        }
        Assert.True(weight.Scales.IsHalf);
        Assert.Equal(halves, weight.Scales.Bytes);
    }

    [Theory]
    [InlineData(0.1f, -1f)]          // a scale that is no half
    [InlineData(0.125f, 1e-9f)]      // an offset below their range
    [InlineData(70000f, 0f)]
    [InlineData(-0f, float.NaN)]
    [InlineData(0.125f, float.PositiveInfinity)]
    public void StayInFp32WhereABitWouldBeLost(float scale, float offset)
    {
        using var weight = Weight(13, 224, uniform: false);
        (weight.TunedScales.Scale.Span[40], weight.TunedScales.Offset.Span[40]) = (scale, offset);
        var (expectedScale, expectedOffset) = weight.Scales.ToArrays();
        using var copy = StoredScales.Of(weight.Scales);
        weight.StoreScales();
        foreach (var scales in new[] { weight.Scales, copy.View })
        {
            Assert.False(scales.IsHalf);
            Assert.Equal(Bits(expectedScale), Bits(scales.ToArrays().Scale));
            Assert.Equal(Bits(expectedOffset), Bits(scales.ToArrays().Offset));
        }
    }

    [Fact]
    public void StayInFp32WhereNoProductReadsHalves()
    {
        foreach (var (bits, group) in new[] { (8, 64), (4, 64), (4, 0), (3, 16) })
        {
            using var weight = new PackedMatrix(4, 64, bits, group);
            weight.StoreScales();
            Assert.False(weight.Scales.IsHalf);
            using var start = StoredScales.Of(weight.Scales); // which only rows are read from
            Assert.True(start.IsHalf);
        }
    }

    /// <summary>Every product and every tile has the bits that it has with the same scales in fp32.</summary>
    [Theory]
    [MemberData(nameof(Products))]
    public void ChangeNoProduct(Tier tier, int bits, int tokens, int columns, bool uniform)
    {
        var rows = tokens == Blocks ? 40 : 37;
        using var weight = Weight(rows, columns, uniform, bits);
        _x.Quantize(_pool, Matrices.Values(tokens * columns, 3), tokens, columns);
        var (expected, found) = (new float[tokens * rows], new float[tokens * rows]);
        var (tile, narrowTile) = (new float[rows * columns], new float[rows * columns]);
        Int8Gemm.Forward((InstructionTier)tier, _pool, _x, weight, expected, false);
        weight.ReadTile(0, rows, 0, columns, tile, columns);
        weight.StoreScales();
        Assert.True(weight.Scales.IsHalf);
        Int8Gemm.Forward((InstructionTier)tier, _pool, _x, weight, found, false);
        weight.ReadTile(0, rows, 0, columns, narrowTile, columns);
        Assert.Equal(expected, found);
        Assert.Equal(tile, narrowTile);
        weight.ReadTile(3, 2, 37, columns - 40, narrowTile, columns);
        Assert.Equal(tile[(3 * columns + 37)..(4 * columns - 3)], narrowTile[..(columns - 40)]);
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void FactorsAreThoseOfEveryScale(Tier tier, int bits, int tokens, int columns, bool uniform)
    {
        var rows = tokens == Blocks ? 40 : 36;
        using var weight = Weight(rows, columns, uniform, bits);
        var groups = weight.Groups;
        float[] row = [.. Enumerable.Range(0, rows).Select(i => 0.9f + 0.01f * i)];
        float[] column = [.. Enumerable.Range(0, groups).Select(i => 1.1f - 0.02f * i)];
        var scales = new TunedScales(weight.Scales);
        using var exact = weight.WithScales(scales);
        for (var i = 0; i < scales.Scale.Length; i++)
        {
            var factor = row[i / groups] * column[i % groups];
            (scales.Scale.Span[i], scales.Offset.Span[i]) = (scales.Scale.Span[i] * factor, scales.Offset.Span[i] * factor);
        }
        _x.Quantize(_pool, Matrices.Values(tokens * columns, 3), tokens, columns);
        var (expected, found, magnitude) = (new float[tokens * rows], new float[tokens * rows], new float[tokens * rows]);
        var (tile, factoredTile) = (new float[rows * columns], new float[rows * columns]);
        Int8Reference.Forward(_x, exact, expected, false);
        exact.ReadTile(0, rows, 0, columns, tile, columns);
        weight.StoreScales();
        using var factored = weight.WithScales(weight.Scales.Stored!.WithFactors(row, column)!);
        Assert.Null(factored.Scales.Stored!.WithFactors(row, column));
        Int8Gemm.Forward((InstructionTier)tier, _pool, _x, factored, found, false);
        factored.ReadTile(0, rows, 0, columns, factoredTile, columns);
        Assert.Equal(tile, factoredTile);
        Array.Fill(magnitude, (float)((1 << bits) - 1) * columns); // scales and activations below 1
        Matrices.AssertClose(expected, found, magnitude, groups);
        Assert.True(factored.Scales.IsHalf);
        Assert.Equal(Bits(exact.Scales.ToArrays().Scale), Bits(factored.Scales.ToArrays().Scale));
        Assert.Equal(Bits(exact.Scales.ToArrays().Offset), Bits(factored.Scales.ToArrays().Offset));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TunedOnesAreRoundedWhereHalvesAreFineEnough(bool uniform)
    {
        using var weight = Weight(12, 64, uniform);
        foreach (ref var s in weight.TunedScales.Scale.Span)
            s = MathF.Abs(s) < 1e-3f ? 0 : s; // subnormal ones are too coarse once they change
        if (uniform)
            for (var i = 0; i < 24; i++)
                weight.TunedScales.Offset.Span[i] = -8 * weight.TunedScales.Scale.Span[i];
        Assert.Null(weight.WithRoundedScales()); // they never were halves
        weight.StoreScales();
        Assert.Null(weight.WithRoundedScales()); // they are
        using var tuned = weight.WithScales(new TunedScales(weight.Scales));
        for (var i = 0; i < 24; i++)
        {
            tuned.TunedScales.Scale.Span[i] *= 1 + 0.01f * i;
            tuned.TunedScales.Offset.Span[i] *= 1 + 0.01f * i;
        }
        var (scale, offset) = tuned.Scales.ToArrays();
        using var copy = new TunedScales(tuned.Scales);
        using var rounded = tuned.WithRoundedScales()!;
        foreach (var scales in new[] { rounded.Scales, copy.Rounded()!.View })
        {
            Assert.Equal(weight.Scales.Bytes, scales.Bytes);
            Assert.Equal(scale.Select(v => (float)(Half)v), scales.ToArrays().Scale);
            Assert.Equal(offset.Select(v => (float)(Half)v), scales.ToArrays().Offset);
        }
        Assert.Equal(scale, tuned.Scales.ToArrays().Scale);
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
        weight.StoreScales();
        using var tuned = new TunedScales(weight.Scales);
        tuned.Scale.Span.Fill(0.3f);
        (tuned.Scale.Span[20], tuned.Offset.Span[20]) = (scale, offset);
        using var rounded = tuned.Rounded();
        Assert.Equal(expected, rounded is not null);
        Assert.Equal(0.3f, tuned.Scale.Span[0]);
        if (expected)
            Assert.Equal((float)(Half)0.3f, rounded!.View.ToArrays().Scale[0]);
    }

    [Fact]
    public void StoredOnesAreSharedAndTheLastHolderFreesThem()
    {
        using var weight = Weight(12, 64, uniform: false);
        var (scale, offset) = weight.Scales.ToArrays();
        weight.StoreScales();
        var stored = weight.Scales.Stored!;
        var (factored, last) = (stored.WithFactors(new float[12], [])!, stored.Share());
        Assert.Equal(stored.Bytes + 12 * sizeof(float), factored.Bytes);
        factored.Dispose();
        factored.Dispose();
        weight.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stored.View.ToArrays());
        Assert.Equal(Bits(scale), Bits(last.View.ToArrays().Scale));
        Assert.Equal(Bits(offset), Bits(last.View.ToArrays().Offset));
        last.Dispose();
        Assert.Throws<ObjectDisposedException>(() => last.View.ToArrays());
    }

    [Fact]
    public void FactorsNeedHalvesAndRowsInFours()
    {
        using var floats = Weight(8, 64, uniform: true);
        floats.StoreScales(halves: false);
        Assert.Null(floats.Scales.Stored!.WithFactors(new float[8], new float[2]));
        using var odd = Weight(9, 64, uniform: true);
        odd.StoreScales();
        Assert.Null(odd.Scales.Stored!.WithFactors(new float[9], []));
        Assert.Throws<ArgumentException>(() => odd.Scales.Stored!.WithFactors(new float[8], []));
    }

    // Scales that are halves, subnormal and negative ones and zeros among them; offsets that make the middle code zero, or any halves.
    private static PackedMatrix Weight(int rows, int columns, bool uniform, int bits = 4)
    {
        var (weight, random) = (new PackedMatrix(rows, columns, bits, 32), new Random(columns));
        Matrices.SetRandomCodes(weight, random);
        var scale = weight.TunedScales.Scale.Span;
        var offset = weight.TunedScales.Offset.Span;
        for (var i = 0; i < scale.Length; i++)
        {
            scale[i] = (float)(Half)(i % 11 == 0 ? 0 : i % 7 == 0 ? 1e-7f * random.Next(20) : random.NextSingle() - 0.4f);
            offset[i] = uniform ? -(1 << (bits - 1)) * scale[i] : (float)(Half)(random.NextSingle() - 0.5f);
        }
        return weight;
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];
}
