using Vernier.Kernels;
using Vernier.Methods.L4q;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Methods.QaLora;
using Vernier.Methods.Qat;
using Vernier.Methods.QatLora;
using Vernier.Models;
using Vernier.Tests.Goldens;

namespace Vernier.Tests.Methods;

/// <summary>Gradients of the other methods by finite differences in double, at shapes that fill no vector and no tile. Rounding has no derivative:
/// its straight-through gradient is that of the layer with every rounding residue (code - v) held at its start.</summary>
public class StraightThroughTests
{
    private const int Rows = 11, Columns = 29, Rank = 3, Tokens = 7;

    [Theory]
    [InlineData(4, 0, false)]
    [InlineData(3, 8, false)]
    [InlineData(2, 5, false)]
    [InlineData(4, 8, true)]
    public void L4Q(int bits, int group, bool half)
    {
        var random = new Random(bits + group);
        using var compute = new Compute(2);
        using var dense = Dense(random);
        var factors = Factors(random, Columns, Rows);
        using var grid = new LearnedGrid("m", dense, bits, group, GridStart.L4Q, trainsOffset: true, halfPrecision: half);
        Disturb(grid, random);
        var linear = new L4QLinear("m", dense, null, factors, grid, new LearnedGridSink(2), new LowRankSink(2));
        linear.ParametersChanged();
        if (half)
        {
            CheckHalf(linear);
            return;
        }
        var surrogate = Surrogate(dense.ToArray(), grid, factors, merged: true);
        FiniteDifferences.Check(linear, compute, random, Tokens, values => surrogate(Merged(dense.ToArray(), values[0], values[1], factors.Scaling), values[2], values[3]));
    }

    [Theory]
    [InlineData(GridStart.RoundToNearest, 6)]
    [InlineData(GridStart.Lsq, 0)]
    public void Qat(object start, int group)
    {
        var random = new Random(7);
        using var compute = new Compute(2);
        using var dense = Dense(random);
        var linear = new QatLinear("m", dense, null, w => new LearnedGrid("m", w, 3, group, (GridStart)start, trainsOffset: false), new LearnedGridSink(2));
        Disturb(linear.Grid, random);
        var surrogate = Surrogate(dense.ToArray(), linear.Grid, null, merged: false);
        FiniteDifferences.Check(linear, compute, random, Tokens, values => surrogate(values[0], values[1], null));
    }

    [Fact]
    public void QatLora()
    {
        var random = new Random(8);
        using var compute = new Compute(2);
        using var dense = Dense(random);
        var factors = Factors(random, Columns, Rows);
        using var grid = new LearnedGrid("m", dense, 3, 8, GridStart.L4Q, trainsOffset: true);
        Disturb(grid, random);
        var linear = new QatLoraLinear("m", dense, null, factors, grid, new LearnedGridSink(2));
        var surrogate = Surrogate(dense.ToArray(), grid, null, merged: false);
        var w0 = Array.ConvertAll(dense.ToArray(), v => (double)v);
        FiniteDifferences.Check(linear, compute, random, Tokens, values => Merged(surrogate(w0, values[2], values[3]), values[0], values[1], factors.Scaling));
    }

    [Fact]
    public void Lora()
    {
        var random = new Random(9);
        using var compute = new Compute(2);
        using var dense = Dense(random);
        var factors = Factors(random, Columns, Rows);
        var linear = new LoraLinear("m", dense, null, factors);
        FiniteDifferences.Check(linear, compute, random, Tokens, values => Merged(dense.ToArray(), values[0], values[1], factors.Scaling));
    }

    [Fact]
    public void QaLora()
    {
        var random = new Random(10);
        using var compute = new Compute(2);
        using var packed = PeqaLinearTests.RandomPacked(random, Rows, Columns, 8);
        var w0 = packed.ToArray();
        var factors = Factors(random, packed.Groups, Rows);
        var linear = new QaLoraLinear("m", packed, null, factors, new LowRankSink(2));
        FiniteDifferences.Check(linear, compute, random, Tokens, values =>
        {
            var w = Array.ConvertAll(w0, v => (double)v);
            for (var i = 0; i < Rows; i++)
                for (var j = 0; j < Columns; j++)
                    for (var k = 0; k < Rank; k++)
                        w[i * Columns + j] += factors.Scaling * values[1][i * Rank + k] * values[0][k * packed.Groups + j / packed.GroupSize];
            return w;
        });
    }

    [Fact]
    public void DropoutActsInTrainingAloneAndTheSameWayTwice()
    {
        var random = new Random(11);
        using var compute = new Compute(1);
        using var dense = Dense(random);
        var factors = Factors(random, Columns, Rows, dropout: 0.5f);
        var linear = new LoraLinear("m", dense, null, factors);
        var x = LinearRun.Random(random, Tokens * Columns);
        float[] Forward()
        {
            var y = new float[Tokens * Rows];
            linear.Forward(compute, x, Tokens, y);
            return y;
        }
        var plain = Forward();
        compute.Training = true;
        var dropped = Forward();
        Assert.NotEqual(plain, dropped);
        Assert.Equal(dropped, Forward());
        var mean = new float[100_000];
        Array.Fill(mean, 1f);
        InputDropout.Apply(mean, 5, 0.3f, mean);
        Assert.Equal(1.0, mean.Average(), 0.02);
        Assert.Equal(0.3, mean.Count(v => v == 0) / 100_000.0, 0.01);
        compute.Training = false;
        Assert.Equal(plain, Forward());
        Assert.Throws<ArgumentOutOfRangeException>(() => Factors(random, Columns, Rows, dropout: 1f));
    }

    // The packed result must hold scale and offset as fp16 and be what the forward pass computed.
    private static void CheckHalf(L4QLinear linear)
    {
        using var packed = linear.Pack();
        foreach (var v in packed.Scales.ToArrays().Scale.Concat(packed.Scales.ToArrays().Offset))
            Assert.Equal(v, (float)(Half)v);
        Assert.Equal(linear.Weight.ToArray(), packed.ToArray());
    }

    private static Func<double[], double[], double[]?, double[]> Surrogate(float[] w0, LearnedGrid grid, LowRankFactors? factors, bool merged)
    {
        var low = new double[grid.Scale.Value.Length];
        for (var at = 0; at < low.Length; at++)
        {
            // A weight far below the grid gives its lowest code.
            var line = new float[grid.Columns];
            Array.Fill(line, -1e6f);
            grid.Apply(at / grid.Groups, 0, line);
            var offset = grid.Offset is null ? 0 : grid.Offset.Value.Span[at];
            low[at] = Math.Round((line[at % grid.Groups * grid.GroupSize] - offset) / grid.Scale.Value.Span[at]);
        }
        var start = merged
            ? Merged(w0, Array.ConvertAll(factors!.A.Value.Span.ToArray(), v => (double)v), Array.ConvertAll(factors.B.Value.Span.ToArray(), v => (double)v), factors.Scaling)
            : Array.ConvertAll(w0, v => (double)v);
        var residue = new double[w0.Length];
        var inside = new bool[w0.Length];
        Each(grid, (i, at) =>
        {
            var v = (start[i] - (grid.Offset is null ? 0 : grid.Offset.Value.Span[at])) / grid.Scale.Value.Span[at];
            inside[i] = v >= low[at] && v <= low[at] + (1 << grid.Bits) - 1;
            residue[i] = Math.Round(v) - v;
        });
        return (w, s, b) =>
        {
            var result = new double[w.Length];
            Each(grid, (i, at) =>
            {
                var offset = b is null ? 0 : b[at];
                var v = (w[i] - offset) / s[at];
                var code = inside[i] ? v + residue[i] : v < low[at] ? low[at] : low[at] + (1 << grid.Bits) - 1;
                result[i] = code * s[at] + offset;
            });
            return result;
        };
    }

    private static void Each(LearnedGrid grid, Action<int, int> element)
    {
        for (var i = 0; i < grid.Rows; i++)
            for (var j = 0; j < grid.Columns; j++)
                element(i * grid.Columns + j, i * grid.Groups + j / grid.GroupSize);
    }

    private static double[] Merged(float[] w0, double[] a, double[] b, double scaling) => Merged(Array.ConvertAll(w0, v => (double)v), a, b, scaling);

    private static double[] Merged(double[] w0, double[] a, double[] b, double scaling)
    {
        var w = (double[])w0.Clone();
        for (var i = 0; i < Rows; i++)
            for (var j = 0; j < Columns; j++)
                for (var k = 0; k < Rank; k++)
                    w[i * Columns + j] += scaling * b[i * Rank + k] * a[k * Columns + j];
        return w;
    }

    private static DenseMatrix Dense(Random random) => MethodCase.Dense(LinearRun.Random(random, Rows * Columns), Rows, Columns);

    private static LowRankFactors Factors(Random random, int columns, int rows, float dropout = 0)
    {
        var factors = new LowRankFactors("m", columns, rows, Rank, 2f, seed: 1, dropout);
        LinearRun.Random(random, rows * Rank, 0.3f).CopyTo(factors.B.Value.Span);
        return factors;
    }

    // Smaller steps clip some weights; offsets away from 0.
    private static void Disturb(LearnedGrid grid, Random random)
    {
        foreach (ref var s in grid.Scale.Value.Span)
            s *= 0.6f + 0.3f * random.NextSingle();
        if (grid.Offset is not null)
            foreach (ref var b in grid.Offset.Value.Span)
                b = 0.1f * random.NextSingle();
        grid.Refresh();
    }
}
