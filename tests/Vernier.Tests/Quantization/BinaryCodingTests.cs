using Vernier.Kernels;
using Vernier.Methods.AlphaTuning;
using Vernier.Models;
using Vernier.Quantization;
using Vernier.Tests.Methods;

namespace Vernier.Tests.Quantization;

/// <summary>Binary codes: the quantizer, and the linear whose α are trained.</summary>
public class BinaryCodingTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RefinementIsNeverWorseThanTheGreedyStart(int bits)
    {
        var random = new Random(bits);
        for (var trial = 0; trial < 50; trial++)
        {
            var weights = LinearRun.Random(random, 40);
            var (greedy, refined) = (Error(weights, bits, 0), Error(weights, bits, 15));
            Assert.True(refined <= greedy + 1e-6, $"{refined} after {greedy}");
        }
    }

    /// <summary>No round: sign and mean size of what is left, bit by bit. Each further round is one refinement, and no more than asked for are made.</summary>
    [Fact]
    public void RoundsAreCountedFromTheGreedyStart()
    {
        var random = new Random(5);
        var errors = new double[4]; // after 0, 1, 2 and 15 rounds, over all trials
        for (var trial = 0; trial < 20; trial++)
        {
            var weights = LinearRun.Random(random, 40);
            var (codes, alphas, left) = (new byte[40], new float[3], weights.ToArray());
            BinaryCoding.Fit(weights, codes, alphas, 0);
            for (var k = 0; k < alphas.Length; k++)
            {
                Assert.Equal(left.Average(w => Math.Abs((double)w)), alphas[k], 1e-6);
                Assert.Equal(left.Select(w => w >= 0), codes.Select(code => (code >> k & 1) != 0));
                left = [.. left.Select(w => w >= 0 ? w - alphas[k] : w + alphas[k])];
            }
            foreach (var (i, rounds) in ((int[])[0, 1, 2, 15]).Index())
                errors[i] += Error(weights, 3, rounds);
        }
        Assert.All(errors.Zip(errors[1..]), pair => Assert.True(pair.Second < 0.99 * pair.First, $"{pair.Second} after {pair.First}"));
    }

    [Fact]
    public void WhatTwoSignsMakeIsFoundExactly()
    {
        // values ±0.75 ± 0.25 in every combination
        float[] weights = [1, 0.5f, -0.5f, -1, 1, -1];
        var (codes, alphas) = (new byte[weights.Length], new float[2]);
        BinaryCoding.Fit(weights, codes, alphas, 15);
        Assert.Equal([0.75f, 0.25f], alphas.OrderDescending().Select(a => MathF.Round(a, 5)));
        Assert.Equal(0, Error(weights, 2, 15), 1e-6);
    }

    [Fact]
    public void CodesAndValuesThatDoNotFitEachOtherAreRefused()
    {
        using var wide = new PackedMatrix(2, 8, 5, 8);
        using var codes = new PackedMatrix(2, 8, 3, 4);
        using var few = new NativeBuffer<float>(11);
        using var enough = new NativeBuffer<float>(2 * 2 * 3);
        Assert.Contains("not 5", Assert.Throws<ArgumentException>(() => new BinaryCodedMatrix(wide, few)).Message);
        Assert.Contains("11 values for [2, 2, 3]", Assert.Throws<ArgumentException>(() => new BinaryCodedMatrix(codes, few)).Message);
        Assert.Equal(12, new BinaryCodedMatrix(codes, enough).Alphas.Length);
    }

    [Fact]
    public void ZerosAndConstantsAreHeld()
    {
        foreach (var value in (float[])[0, 0.5f, -2])
            Assert.Equal(0, Error([.. Enumerable.Repeat(value, 16)], 3, 15), 1e-6);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(3, 8)]
    [InlineData(4, 24)]
    public void GradientsOfTheAlphas(int bits, int group)
    {
        const int Rows = 13, Columns = 40, Tokens = 7;
        var random = new Random(1);
        using var compute = new Compute(2);
        var dense = new DenseMatrix(Rows, Columns);
        LinearRun.Random(random, Rows * Columns).CopyTo(dense.Values.Span);
        var coded = BinaryCoding.Quantize(dense, bits, group);
        var linear = new BinaryCodedLinear("layer", coded, null, new BinaryCodeSink(compute.Pool.Threads));
        var codes = new byte[Rows * Columns];
        for (var row = 0; row < Rows; row++)
            coded.Codes.ReadCodes(row, 0, codes.AsSpan(row * Columns, Columns));
        FiniteDifferences.Check(linear, compute, random, Tokens, values => [.. codes.Select((code, i) =>
        {
            var at = (i / Columns * coded.Codes.Groups + i % Columns / coded.Codes.GroupSize) * bits;
            return Enumerable.Range(0, bits).Sum(k => (code >> k & 1) != 0 ? values[0][at + k] : -values[0][at + k]);
        })]);
    }

    [Fact]
    public void TilesAreThePartsOfTheWhole()
    {
        var random = new Random(2);
        var dense = new DenseMatrix(9, 700);
        LinearRun.Random(random, 9 * 700).CopyTo(dense.Values.Span);
        using var coded = BinaryCoding.Quantize(dense, 3, 96);
        var whole = coded.ToArray();
        var tile = new float[4 * 300];
        coded.ReadTile(3, 4, 130, 290, tile, 300);
        for (var r = 0; r < 4; r++)
            Assert.Equal(whole.AsSpan((3 + r) * 700 + 130, 290).ToArray(), tile.AsSpan(r * 300, 290).ToArray());
    }

    private static double Error(float[] weights, int bits, int rounds)
    {
        var (codes, alphas, values) = (new byte[weights.Length], new float[bits], new float[1 << bits]);
        BinaryCoding.Fit(weights, codes, alphas, rounds);
        Assert.All(alphas, a => Assert.True(a >= 0));
        BinaryCodedMatrix.Values(alphas, values);
        return weights.Zip(codes).Sum(p => Math.Pow(p.First - values[p.Second], 2));
    }
}
