namespace Vernier.Kernels.Tests;

public sealed class ScaleBlocksTests : IDisposable
{
    private readonly WorkerPool _pool = new(2);
    private readonly QuantizedActivations _x = new();

    public static TheoryData<int, int, bool> Forms => new()
    {
        { (int)ScaleForm.Blocks8, 32, true }, { (int)ScaleForm.Blocks8, 32, false }, { (int)ScaleForm.Blocks16, 16, false }, { (int)ScaleForm.Nibbles16, 16, true },
    };

    public static TheoryData<Tier, int, int, int, int> Products
    {
        get
        {
            var data = new TheoryData<Tier, int, int, int, int>();
            foreach (var tier in Tiers.Here)
                foreach (var (bits, form) in new[] { (4, ScaleForm.Blocks8), (5, ScaleForm.Blocks8), (6, ScaleForm.Blocks16), (3, ScaleForm.Blocks16), (2, ScaleForm.Nibbles16) })
                    foreach (var columns in new[] { 256, 512, 768, 1280 })
                        foreach (var tokens in new[] { 1, 2, 4, 9 })
                            data.Add(tier, bits, columns, tokens, (int)form);
            return data;
        }
    }

    public void Dispose()
    {
        _pool.Dispose();
        _x.Dispose();
    }

    /// <summary>Every bit of every scale, offset and weight, subnormal factors and both zeros among them, from any group on.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public void GiveTheScalesOfTheirProducts(int form, int group, bool offsets)
    {
        using var exact = Floats(7, 768, 4, group, offsets, form, out var blocks);
        using var weight = With(exact, blocks);
        var (scale, offset) = exact.Scales.ToArrays();
        Assert.Equal(Bits(scale), Bits(weight.Scales.ToArrays().Scale));
        Assert.Equal(Bits(offset), Bits(weight.Scales.ToArrays().Offset));
        Assert.Equal(Bits(exact.ToArray()), Bits(weight.ToArray()));
        var tile = new float[3 * 701];
        var expected = new float[tile.Length];
        weight.ReadTile(2, 3, 41, 701, tile, 701);
        exact.ReadTile(2, 3, 41, 701, expected, 701);
        Assert.Equal(Bits(expected), Bits(tile));
        using var tuned = new TunedScales(weight.Scales);
        Assert.Equal(Bits(offset), Bits(tuned.View.ToArrays().Offset));
        using var kept = StoredScales.Of(weight.Scales);
        Assert.Equal(weight.Scales.Form, kept.Form);
    }

    /// <summary>A byte or half a byte a group, and two a super-block.</summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public void TakeAByteAGroup(int form, int group, bool offsets)
    {
        using var exact = Floats(6, 768, 4, group, offsets, form, out var blocks);
        var ofRow = 768 / 256 * ((ScaleForm)form == ScaleForm.Nibbles16 ? 10 : 2 + 256 / group);
        Assert.Equal(6 * ofRow * (offsets ? 2 : 1), blocks.Bytes);
        blocks.Dispose();
    }

    /// <summary>Bodies read the two levels themselves: the same numbers, and so the same sums as with scales in fp32.</summary>
    [Theory]
    [MemberData(nameof(Products))]
    public void ProductsAreThoseOfScalesInFp32(Tier tier, int bits, int columns, int tokens, int form)
    {
        foreach (var rows in new[] { 8, 21, 40 })
        {
            using var exact = Floats(rows, columns, bits, GroupOf(form), HasOffsets(form, columns), form, out var blocks);
            using var weight = With(exact, blocks);
            _x.Quantize(_pool, Matrices.Values(tokens * columns, 3), tokens, columns);
            var (expected, found) = (new float[tokens * rows], new float[tokens * rows]);
            var body = Int8Bodies.Forward.Choose((InstructionTier)tier, MatMulShape.Of(weight, tokens));
            Int8Gemm.Forward(body, _pool, _x, exact, expected, false);
            Int8Gemm.Forward(body, _pool, _x, weight, found, false);
            Assert.Equal(Bits(expected), Bits(found));
        }
    }

    [Theory]
    [MemberData(nameof(Products))]
    public void FactorsOfATaskAreThoseOfEveryScale(Tier tier, int bits, int columns, int tokens, int form)
    {
        const int rows = 24;
        using var exact = Floats(rows, columns, bits, GroupOf(form), HasOffsets(form, columns), form, out var blocks);
        using var weight = With(exact, blocks);
        float[] row = [.. Enumerable.Range(0, rows).Select(i => 0.9f + 0.01f * i)];
        float[] column = [.. Enumerable.Range(0, weight.Groups).Select(i => 1.1f - 0.02f * (i / ScaleForms.GroupsOf((ScaleForm)form)))];
        using var task = weight.WithScales(weight.Scales.Stored!.WithFactors(row, column)!);
        Assert.Equal((ScaleForm)form, task.Scales.Form);
        for (var i = 0; i < rows * weight.Groups; i++)
        {
            exact.TunedScales.Scale.Span[i] *= row[i / weight.Groups] * column[i % weight.Groups];
            exact.TunedScales.Offset.Span[i] *= row[i / weight.Groups] * column[i % weight.Groups];
        }
        Assert.Equal(Bits(exact.ToArray()), Bits(task.ToArray()));
        _x.Quantize(_pool, Matrices.Values(tokens * columns, 3), tokens, columns);
        var (expected, found, magnitude) = (new float[tokens * rows], new float[tokens * rows], new float[tokens * rows]);
        Int8Reference.Forward(_x, exact, expected, false);
        Int8Gemm.Forward((InstructionTier)tier, _pool, _x, task, found, false);
        Array.Fill(magnitude, 63 * (1 << bits) * 0.05f * columns / 4); // codes times scales of at most 63 steps
        Matrices.AssertClose(expected, found, magnitude, weight.Groups);
    }

    [Fact]
    public void WhatIsNoProductIsRefused()
    {
        using var blocks = new ScaleBlocks(2, 16, ScaleForm.Blocks8, hasOffsets: false);
        var scale = new float[16];
        scale[3] = 0.7f;
        Assert.Throws<ArgumentException>(() => blocks.SetRow(0, [(Half)0.1f, (Half)0.1f], [], scale, []));
        Assert.Throws<ArgumentException>(() => new ScaleBlocks(2, 12, ScaleForm.Blocks8, hasOffsets: false));
        using var nibbles = new ScaleBlocks(1, 16, ScaleForm.Nibbles16, hasOffsets: false);
        scale[3] = 16 * 0.5f;
        Assert.Throws<ArgumentException>(() => nibbles.SetRow(0, [(Half)0.5f], [], scale, []));
        Assert.Throws<ArgumentException>(() => new PackedMatrix(2, 16 * 64, 4, 64, scales: new(blocks.Share(), 8)));
    }

    private static int GroupOf(int form) => (ScaleForm)form == ScaleForm.Blocks8 ? 32 : 16;

    private static bool HasOffsets(int form, int columns) => (ScaleForm)form != ScaleForm.Blocks16 && columns != 512;

    /// <summary>Random products as scales in fp32, and the blocks that hold the same.</summary>
    private static PackedMatrix Floats(int rows, int columns, int bits, int group, bool offsets, int form, out ScaleBlocks blocks)
    {
        var (weight, random) = (Matrices.Packed(rows, columns, bits, group, 5), new Random(columns + rows));
        var shared = ScaleForms.GroupsOf((ScaleForm)form);
        var (groups, least, most) = (weight.Groups, (ScaleForm)form == ScaleForm.Nibbles16 ? 0 : offsets ? 0 : -32, (ScaleForm)form == ScaleForm.Nibbles16 ? 15 : 63);
        blocks = new(rows, groups, (ScaleForm)form, offsets);
        for (var r = 0; r < rows; r++)
        {
            var (d, dmin) = (new Half[groups / shared], new Half[groups / shared]);
            var (scale, offset) = (new float[groups], new float[groups]);
            for (var b = 0; b < d.Length; b++)
                (d[b], dmin[b]) = (Factor(), Factor());
            for (var g = 0; g < groups; g++)
            {
                scale[g] = (float)d[g / shared] * random.Next(least, most + 1);
                offset[g] = offsets ? -((float)dmin[g / shared] * random.Next(most + 1)) : -8 * scale[g];
            }
            blocks.SetRow(r, d, dmin, scale, offset);
            scale.CopyTo(weight.TunedScales.Scale.Slice((long)r * groups, groups));
            offset.CopyTo(weight.TunedScales.Offset.Slice((long)r * groups, groups));
        }
        return weight;

        Half Factor() => (Half)(random.Next(6) switch { 0 => 0, 1 => 3e-7f * random.Next(9), 2 => -0.01f * random.NextSingle(), _ => 0.05f * random.NextSingle() });
    }

    private static PackedMatrix With(PackedMatrix codes, ScaleBlocks blocks) =>
        codes.WithScales(new StoredScales(blocks, blocks.HasOffsets ? float.NaN : 8));

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];
}
