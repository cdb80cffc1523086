using Vernier.Kernels;
using Vernier.Methods.Peqa;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.Tuning;

namespace Vernier.Tests.Methods;

public class PeqaLinearTests
{
    private const int Rank = 3; // of low-rank factors

    [Theory]
    [GoldenCases("peqa")]
    public void GoldenScalesAndZeros(string name)
    {
        var golden = MethodCase.Load(name);
        using var compute = new Compute(2);
        using var packed = golden.Packed("codes", "s0", "z", golden.Group);
        var linear = new PeqaLinear("m", packed, null, Granularity.Group, Parameterization.Scale, TrainedState.Both, new PeqaSinks(2));
        golden.Tensors["s"].Floats.CopyTo(linear.Parameters[0].Value.Span);
        linear.ParametersChanged();
        var (y, dx) = LinearRun.ForwardBackward(linear, compute, golden.X, golden.DY, golden.Tokens);
        golden.AssertClose("What", linear.Weight.ToArray());
        golden.AssertClose("Y", y);
        golden.AssertClose("dX", dx);
        golden.AssertClose("ds", linear.Parameters[0].Gradient.Span);
        golden.AssertClose("dz", linear.Parameters[1].Gradient.Span);
    }

    [Theory]
    [GoldenCases("lowrank_scales")]
    public void GoldenLowRankFactors(string name)
    {
        var golden = MethodCase.Load(name);
        using var compute = new Compute(2);
        using var packed = golden.Packed("codes", "s0", "z", golden.Group);
        var linear = new PeqaLinear("m", packed, null, Granularity.LowRank, Parameterization.Factor, TrainedState.Scales, new PeqaSinks(2), golden.Setting("k"));
        foreach (var (parameter, tensor) in linear.Parameters.Zip(["U", "V"]))
        {
            Assert.Equal(golden.Tensors[tensor].Shape, parameter.Shape);
            golden.Tensors[tensor].Floats.CopyTo(parameter.Value.Span);
        }
        linear.ParametersChanged();
        golden.AssertClose("S", ((PackedMatrix)linear.Weight).TunedScales.Scale.Span);
        var (y, dx) = LinearRun.ForwardBackward(linear, compute, golden.X, golden.DY, golden.Tokens);
        golden.AssertClose("Y", y);
        golden.AssertClose("dX", dx);
        golden.AssertClose("dU", linear.Parameters[0].Gradient.Span);
        golden.AssertClose("dV", linear.Parameters[1].Gradient.Span);

        using var tuned = golden.Packed("codes", "S", "z", golden.Group);
        var scales = new PeqaLinear("m", tuned, null, Granularity.Group, Parameterization.Scale, TrainedState.Scales, new PeqaSinks(2));
        LinearRun.ForwardBackward(scales, compute, golden.X, golden.DY, golden.Tokens);
        golden.AssertClose("dS", scales.Parameters[0].Gradient.Span);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)] // more than there are groups
    public void LowRankFactorsStartAtOneAndMove(int rank)
    {
        using var compute = new Compute(1);
        var random = new Random(6);
        using var packed = RandomPacked(random, 8, 24, 8);
        var before = packed.ToArray();
        var linear = new PeqaLinear("m", packed, null, Granularity.LowRank, Parameterization.Factor, TrainedState.Scales, new PeqaSinks(1), rank);
        linear.ParametersChanged();
        Assert.Equal(before, linear.Weight.ToArray());
        LinearRun.ForwardBackward(linear, compute, LinearRun.Random(random, 5 * 24), LinearRun.Random(random, 5 * 8), 5);
        for (var k = 0; k < Math.Min(rank, packed.Groups); k++)
            Assert.Contains(Enumerable.Range(0, 8), i => linear.Parameters[0].Gradient.Span[i * rank + k] != 0);
    }

    [Fact]
    public void LowRankFactorsKeepTheSignOfTheScale()
    {
        using var compute = new Compute(1);
        var random = new Random(7);
        using var packed = RandomPacked(random, 4, 16, 8);
        var linear = new PeqaLinear("m", packed, null, Granularity.LowRank, Parameterization.Factor, TrainedState.Scales, new PeqaSinks(1));
        linear.Parameters[0].Value.Span[1] = -3; // of row 1: 1 - 3 is below 0
        linear.ParametersChanged();
        var (start, tuned) = (packed.Scales.ToArrays().Scale, linear.Weight is PackedMatrix weight ? weight.Scales.ToArrays().Scale : []);
        for (var g = 0; g < 2; g++)
            Assert.Equal(Parameter.ScaleFloor * start[2 + g], tuned[2 + g]);
        LinearRun.ForwardBackward(linear, compute, LinearRun.Random(random, 3 * 16), LinearRun.Random(random, 3 * 4), 3);
        Assert.Equal(0, linear.Parameters[0].Gradient.Span[1]);
        Assert.NotEqual(0, linear.Parameters[0].Gradient.Span[0]);
    }

    [Theory]
    [InlineData(Granularity.Channel, Parameterization.Factor, TrainedState.Scales, 0)]
    [InlineData(Granularity.Channel, Parameterization.Factor, TrainedState.Both, 7)]
    [InlineData(Granularity.Channel, Parameterization.Scale, TrainedState.Scales, 0)]
    [InlineData(Granularity.Separable, Parameterization.Factor, TrainedState.Scales, 7)]
    [InlineData(Granularity.Separable, Parameterization.Factor, TrainedState.Both, 0)]
    [InlineData(Granularity.Group, Parameterization.Factor, TrainedState.Scales, 7)]
    [InlineData(Granularity.Group, Parameterization.Scale, TrainedState.Both, 5)]
    [InlineData(Granularity.Group, Parameterization.Factor, TrainedState.Zeros, 64)]
    [InlineData(Granularity.LowRank, Parameterization.Factor, TrainedState.Scales, 7)]
    [InlineData(Granularity.LowRank, Parameterization.Factor, TrainedState.Scales, 0)]
    [InlineData(Granularity.LowRank, Parameterization.Factor, TrainedState.Both, 5)]
    public void GradientsMatchFiniteDifferences(Granularity granularity, Parameterization parameterization, TrainedState train, int group) =>
        CheckGradients(granularity, parameterization, train, group, factorGroup: 0);

    [Theory]
    [InlineData(Granularity.Channel, 14)]
    [InlineData(Granularity.Separable, 14)]
    [InlineData(Granularity.Separable, 49)] // one block a row
    [InlineData(Granularity.Group, 14)]
    [InlineData(Granularity.Group, 49)]
    [InlineData(Granularity.LowRank, 14)]
    [InlineData(Granularity.LowRank, 49)]
    public void GradientsOfFactorsOfSeveralGroupsMatchFiniteDifferences(Granularity granularity, int factorGroup) =>
        CheckGradients(granularity, Parameterization.Factor, TrainedState.Scales, 7, factorGroup);

    [Fact]
    public void GroupsOfABlockMoveTogetherUnlessEachIsAskedFor()
    {
        using var packed = RandomPacked(new Random(5), 4, 28, 7, factorGroup: 14);
        Assert.Equal([4, 2], Make(singleGroups: false).Parameters[0].Shape);
        Assert.Equal([4, 4], Make(singleGroups: true).Parameters[0].Shape);

        PeqaLinear Make(bool singleGroups) => new("m", packed, null, Granularity.Group, Parameterization.Factor, TrainedState.Scales, new PeqaSinks(1), singleGroups: singleGroups);
    }

    private static void CheckGradients(Granularity granularity, Parameterization parameterization, TrainedState train, int group, int factorGroup)
    {
        using var compute = new Compute(2);
        var random = new Random(5);
        using var packed = RandomPacked(random, 13, 37, group, factorGroup: factorGroup);
        var linear = new PeqaLinear("m", packed, null, granularity, parameterization, train, new PeqaSinks(2), Rank);
        foreach (var p in linear.Parameters)
            foreach (ref var v in p.Value.Span)
                v = p.Name == "m.factor_u" ? 0.2f * (random.NextSingle() - 0.5f) : v * (0.8f + 0.4f * random.NextSingle());
        linear.ParametersChanged();
        FiniteDifferences.Check(linear, compute, random, tokens: 9, EffectiveWeight(linear, packed));
    }

    [Fact]
    public void FactorGradientIsScaleGradientTimesStart()
    {
        using var compute = new Compute(1);
        var gradients = new float[2][];
        var starts = Array.Empty<float>();
        foreach (var parameterization in new[] { Parameterization.Factor, Parameterization.Scale })
        {
            var random = new Random(3);
            using var packed = RandomPacked(random, 8, 24, 8);
            var linear = new PeqaLinear("m", packed, null, Granularity.Group, parameterization, TrainedState.Scales, new PeqaSinks(1));
            LinearRun.ForwardBackward(linear, compute, LinearRun.Random(random, 5 * 24), LinearRun.Random(random, 5 * 8), 5);
            gradients[(int)parameterization] = linear.Parameters[0].Gradient.Span.ToArray();
            starts = linear.Start.ToArrays().Scale;
        }
        for (var i = 0; i < starts.Length; i++)
            if (starts[i] != 0)
                Assert.Equal(gradients[0][i], gradients[1][i] * starts[i], 1e-5f * gradients[0].Max(MathF.Abs));
    }

    [Fact]
    public void ChannelScalesOfGroupedWeightAreRefused()
    {
        using var packed = RandomPacked(new Random(1), 4, 16, 8);
        var error = Assert.Throws<ArgumentException>(() => new PeqaLinear("m", packed, null, Granularity.Channel, Parameterization.Scale, TrainedState.Scales, new PeqaSinks(1)));
        Assert.Contains("granularity group", error.Message);
    }

    [Fact]
    public void FactorOfOneChangesNoBit()
    {
        using var packed = RandomPacked(new Random(1), 4, 16, 8);
        var before = packed.ToArray();
        var linear = new PeqaLinear("m", packed, null, Granularity.Separable, Parameterization.Factor, TrainedState.Scales, new PeqaSinks(1));
        linear.ParametersChanged();
        Assert.Equal(before, linear.Weight.ToArray());
    }

    // Codes with a scale and a minimum that is no multiple of it, as in Q4_1; one block has scale 0.
    internal static PackedMatrix RandomPacked(Random random, int rows, int columns, int group, int bits = 4, int factorGroup = 0)
    {
        var packed = new PackedMatrix(rows, columns, bits, group, factorGroupSize: factorGroup);
        var codes = new byte[columns];
        for (var i = 0; i < rows; i++)
        {
            for (var j = 0; j < columns; j++)
                codes[j] = (byte)random.Next(1 << bits);
            packed.SetRowCodes(i, codes);
        }
        foreach (ref var s in packed.TunedScales.Scale.Span)
            s = (0.5f + random.NextSingle()) * (random.Next(4) == 0 ? -0.1f : 0.1f);
        foreach (ref var o in packed.TunedScales.Offset.Span)
            o = random.NextSingle() - 1f;
        if (packed.Groups > 1)
            packed.TunedScales.Scale.Span[1] = 0;
        return packed;
    }

    // The definition, in double, from the parameters alone.
    private static Func<double[][], double[]> EffectiveWeight(PeqaLinear linear, PackedMatrix packed) => values =>
    {
        var w = new double[packed.Rows * packed.Columns];
        var codes = new byte[packed.Columns];
        var (startScale, startOffset) = linear.Start.ToArrays();
        double Named(string suffix, int index, double otherwise)
        {
            for (var p = 0; p < values.Length; p++)
                if (linear.Parameters[p].Name == "m." + suffix)
                    return values[p][index];
            return otherwise;
        }
        var factorPerRow = linear.Parameters.Any(p => p.Name == "m.factor" && p.Value.Length == packed.Rows);
        for (var i = 0; i < packed.Rows; i++)
        {
            packed.ReadCodes(i, 0, codes);
            for (var j = 0; j < packed.Columns; j++)
            {
                var g = j / packed.GroupSize;
                var at = i * packed.Groups + g;
                var (s0, o0) = ((double)startScale[at], (double)startOffset[at]);
                var (block, blocks) = (j / packed.FactorGroupSize, (packed.Columns - 1) / packed.FactorGroupSize + 1);
                var factor = Named("factor", factorPerRow ? i : i * blocks + block, 1) * Named("row_factor", i, 1) * Named("column_factor", block, 1)
                    * (1 + Enumerable.Range(0, Rank).Sum(k => Named("factor_u", i * Rank + k, 0) * Named("factor_v", block * Rank + k, 0)));
                if (s0 != 0)
                    factor *= Named("scale", at, s0) / s0;
                var zero = s0 == 0 ? double.NaN : Named("zero", at, -o0 / s0);
                w[i * packed.Columns + j] = s0 == 0 ? factor * o0 : factor * s0 * (codes[j] - zero);
            }
        }
        return w;
    };
}
