namespace Vernier.Kernels.Tests;

public class PackedMatrixTests
{
    public static TheoryData<int, int, int> BitsColumnsGroups
    {
        get
        {
            var data = new TheoryData<int, int, int>();
            for (var bits = 2; bits <= 8; bits++)
                foreach (var columns in new[] { 1, 31, 64, 65, 200, 1100 })
                    foreach (var group in new[] { 0, 3, 8, 16, 24, 32, 64, 128 })
                        data.Add(bits, columns, group);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(BitsColumnsGroups))]
    public void CodesComeBackAndTilesAreOneRounding(int bits, int columns, int group)
    {
        const int rows = 3;
        var random = new Random(bits * columns + group);
        using var matrix = Matrices.Packed(rows, columns, bits, group, 1);
        var codes = new byte[rows][];
        for (var r = 0; r < rows; r++)
        {
            codes[r] = new byte[columns];
            for (var c = 0; c < columns; c++)
                codes[r][c] = (byte)random.Next(1 << bits);
            matrix.SetRowCodes(r, codes[r]);
        }
        for (var round = 0; round < 4; round++)
        {
            var start = round == 0 ? 0 : random.Next(columns);
            var count = round == 0 ? columns : random.Next(columns - start) + 1;
            var stride = count + 3;
            var read = new byte[count];
            var tile = Matrices.Poisoned(new float[(rows - 1) * stride + count], to => matrix.ReadTile(0, rows, start, count, to, stride));
            for (var r = 0; r < rows; r++)
            {
                matrix.ReadCodes(r, start, read);
                Assert.Equal(codes[r][start..(start + count)], read);
                for (var c = 0; c < count; c++)
                {
                    var g = r * matrix.Groups + (start + c) / matrix.GroupSize;
                    Assert.Equal(MathF.FusedMultiplyAdd(matrix.TunedScales.Scale.Span[g], read[c], matrix.TunedScales.Offset.Span[g]), tile[r * stride + c]);
                }
                if (r < rows - 1)
                    Assert.Equal(new float[3], tile[(r * stride + count)..((r + 1) * stride)]);
            }
        }
    }

    [Theory]
    [InlineData(2, 40, 16, false)]
    [InlineData(3, 130, 32, false)]
    [InlineData(4, 1100, 128, false)]
    [InlineData(4, 75, 8, true)]
    [InlineData(8, 64, 24, false)]
    [InlineData(4, 1100, 128, false, true)]
    [InlineData(4, 75, 8, true, true)]
    public void GroupsMayBeAnySetsOfColumns(int bits, int columns, int group, bool codebook, bool ofAnySize = false)
    {
        const int rows = 3;
        var random = new Random(columns);
        var index = Enumerable.Range(0, columns).Select(c => c / group).ToArray();
        if (ofAnySize)
            index[^1] = 0;
        random.Shuffle(index);
        using var matrix = Matrices.Packed(rows, columns, bits, group, 1, codebook ? [.. Enumerable.Range(0, 16).Select(i => i * i - 9.5f)] : null, index);
        Assert.Equal(index, matrix.GroupIndex);
        Assert.Equal(!codebook && !ofAnySize && group % 32 == 0, Int8Gemm.Supports(matrix));
        var stored = new byte[rows][];
        for (var r = 0; r < rows; r++)
        {
            stored[r] = [.. Enumerable.Range(0, columns).Select(_ => (byte)random.Next(1 << bits))];
            matrix.SetRowCodes(r, stored[r]);
        }
        for (var start = 0; start < columns; start += 13)
        {
            var count = random.Next(columns - start) + 1;
            var stride = count + 3;
            var tile = Matrices.Poisoned(new float[(rows - 1) * stride + count], to => matrix.ReadTile(0, rows, start, count, to, stride));
            var codes = new byte[count];
            for (var r = 0; r < rows; r++)
            {
                matrix.ReadCodes(r, start, codes);
                Assert.Equal(stored[r][start..(start + count)], codes);
                for (var c = 0; c < count; c++)
                {
                    var g = r * matrix.Groups + index[start + c];
                    Assert.Equal(index[start + c], matrix.GroupOf(start + c));
                    Assert.Equal(MathF.FusedMultiplyAdd(matrix.TunedScales.Scale.Span[g], codebook ? matrix.Codebook[codes[c]] : codes[c], matrix.TunedScales.Offset.Span[g]), tile[r * stride + c]);
                }
            }
        }
    }

    [Fact]
    public void GroupsInOrderNeedNoIndexAndWrongOnesAreRefused()
    {
        using var inOrder = new PackedMatrix(1, 40, 4, 16, groupIndex: [.. Enumerable.Range(0, 40).Select(c => c / 16)]);
        Assert.True(inOrder.GroupIndex.IsEmpty);
        Assert.Throws<ArgumentException>(() => new PackedMatrix(1, 40, 4, 16, groupIndex: new int[39]));
        Assert.Throws<ArgumentException>(() => new PackedMatrix(1, 40, 4, 16, groupIndex: [.. Enumerable.Repeat(3, 40)]));
        Assert.Throws<ArgumentException>(() => new PackedMatrix(1, 40, 4, 16, groupIndex: [.. Enumerable.Repeat(-1, 40)]));
    }

    [Fact]
    public void SumsOverGroupsFollowTheirColumns()
    {
        const int columns = 50, group = 16;
        var random = new Random(3);
        var index = Enumerable.Range(0, columns).Select(c => c / group).ToArray();
        random.Shuffle(index);
        var x = Enumerable.Range(0, 2 * columns).Select(_ => random.NextSingle() - 0.5f).ToArray();
        foreach (var matrix in (PackedMatrix[])[new(1, columns, 4, group), new(1, columns, 4, group, groupIndex: index)])
        {
            var (pooled, dots) = (new float[2 * matrix.Groups], new float[matrix.Groups]);
            GroupSums.Pool(x, 2, matrix, pooled);
            GroupSums.AccumulateDots(x.AsSpan(5, 30), x.AsSpan(columns, 30), 7, matrix, dots);
            for (var g = 0; g < matrix.Groups; g++)
            {
                for (var row = 0; row < 2; row++)
                    Assert.Equal(Enumerable.Range(0, columns).Where(c => matrix.GroupOf(c) == g).Sum(c => (double)x[row * columns + c]), pooled[row * matrix.Groups + g], 1e-5);
                Assert.Equal(Enumerable.Range(0, 30).Where(c => matrix.GroupOf(7 + c) == g).Sum(c => (double)x[5 + c] * x[columns + c]), dots[g], 1e-5);
            }
            matrix.Dispose();
        }
    }

    [Fact]
    public void CodebookStandsForCodes()
    {
        var book = Enumerable.Range(0, 16).Select(i => i * i - 100.5f).ToArray();
        using var matrix = Matrices.Packed(2, 75, 4, 32, 1, book);
        var (codes, values) = (new byte[75], matrix.ToArray());
        for (var r = 0; r < 2; r++)
        {
            matrix.ReadCodes(r, 0, codes);
            for (var c = 0; c < 75; c++)
            {
                var g = r * matrix.Groups + c / 32;
                Assert.Equal(MathF.FusedMultiplyAdd(matrix.TunedScales.Scale.Span[g], book[codes[c]], matrix.TunedScales.Offset.Span[g]), values[r * 75 + c]);
            }
        }
    }

    [Fact]
    public void MemoryIsBitsAndScales()
    {
        using var matrix = new PackedMatrix(10, 128, 3, 32);
        Assert.Equal(10 * 128 * 3 / 8 + 2 * 4 * 10 * 4, matrix.Bytes);
    }

    [Fact]
    public void OtherScalesAreAnotherMatrixOnTheSameCodes()
    {
        using var matrix = Matrices.Packed(4, 40, 4, 8, 1);
        var before = matrix.ToArray();
        var scales = new TunedScales(matrix.Scales);
        scales.Scale.Span[0] *= 2;
        var codes = new byte[40];
        using (var other = matrix.WithScales(scales))
        {
            Assert.NotEqual(before, other.ToArray());
            Assert.Equal(before, matrix.ToArray());
            matrix.ReadCodes(3, 0, codes);
            Assert.Throws<ArgumentException>(() => matrix.WithScales(new TunedScales(4, 4)));
        }
        Assert.Equal(before, matrix.ToArray());
        var last = matrix.WithScales(new TunedScales(matrix.Scales));
        matrix.Dispose();
        matrix.Dispose();
        Assert.Equal(before, last.ToArray());
        last.Dispose();
        Assert.Throws<ObjectDisposedException>(() => last.ReadCodes(3, 0, codes));
    }

    [Fact]
    public void ScalesInHalvesAreOnlyForProductsThatReadThem()
    {
        using var halves = new PackedMatrix(4, 64, 4, 32);
        halves.StoreScales();
        Assert.True(halves.Scales.IsHalf);
        Assert.Throws<InvalidOperationException>(() => halves.TunedScales);
        using var other = new PackedMatrix(4, 64, 4, 32, groupIndex: [.. Enumerable.Range(0, 64).Select(c => c < 40 ? 0 : 1)]);
        Assert.False(other.ReadsHalves);
        Assert.Throws<ArgumentException>(() => other.WithScales(halves.Scales.Stored!.Share()));
    }

    [Fact]
    public void WhatDoesNotFitIsRefused()
    {
        using var matrix = new PackedMatrix(2, 10, 3, 0);
        Assert.Throws<ArgumentException>(() => matrix.SetRowCodes(0, new byte[9]));
        Assert.Throws<ArgumentException>(() => matrix.SetRowCodes(0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.SetRowCodes(2, new byte[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.ReadCodes(0, 5, new byte[6]));
        Assert.Throws<ArgumentOutOfRangeException>(() => matrix.ReadTile(1, 2, 0, 10, new float[20], 10));
        Assert.Throws<ArgumentException>(() => matrix.ReadTile(0, 2, 0, 10, new float[19], 10));
        Assert.Throws<ArgumentException>(() => matrix.ReadTile(0, 2, 0, 10, new float[20], 9));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PackedMatrix(2, 10, 9, 0));
        Assert.Throws<ArgumentException>(() => new PackedMatrix(2, 10, 5, 0, new float[32]));
    }

    [Fact]
    public void HalvesWidenExactly()
    {
        using var fp16 = new HalfMatrix(256, 256, HalfFormat.Fp16);
        using var bf16 = new HalfMatrix(256, 256, HalfFormat.Bf16);
        for (var i = 0; i < 65536; i++)
            fp16.Row(i / 256)[i % 256] = bf16.Row(i / 256)[i % 256] = (ushort)i;
        var (halves, brains) = (fp16.ToArray(), bf16.ToArray());
        for (var i = 0; i < 65536; i++)
        {
            var expected = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            Assert.True(expected.Equals(halves[i]), $"{i:x4}: {expected} {halves[i]}");
            Assert.Equal(BitConverter.SingleToUInt32Bits(brains[i]), (uint)i << 16);
        }
    }
}
