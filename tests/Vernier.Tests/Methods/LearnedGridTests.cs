using Vernier.Kernels;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.LowRankAdapters;
using Vernier.Methods.Peqa;
using Vernier.Methods.Qat;
using Vernier.Models;
using Vernier.Quantization;
using Vernier.Tuning;

namespace Vernier.Tests.Methods;

/// <summary>Where learned grids and low-rank factors start, by the formulas of their papers written out anew.</summary>
public class LearnedGridTests
{
    private static readonly float[] Falling = [-1.2f, -0.9f, -0.3f, 0.1f, 0.35f, -0.7f, 0.2f, -0.15f];

    public static TheoryData<float[], int> Groups => new() { { Falling, 3 }, { Falling, 4 }, { [.. Falling.Select(w => -w)], 3 }, { [.. Falling.Select(w => w + 2)], 8 }, { [.. Falling.Select(w => w - 2)], 2 } };

    [Theory, MemberData(nameof(Groups))]
    public void A_grid_starts_where_its_paper_says(float[] weights, int bits)
    {
        double qn = -Math.Pow(2, bits - 1), qp = -qn - 1, min = weights.Min(), max = weights.Max();
        var mean = weights.Average(w => (double)w);
        var sigma = Math.Sqrt(weights.Average(w => (w - mean) * (w - mean)));
        AssertStart(GridStart.L4Q, Math.Max(Math.Abs(min / qn), Math.Abs(max / qp)), 0);
        AssertStart(GridStart.LsqPlus, Math.Max(Math.Abs(mean - 3 * sigma), Math.Abs(mean + 3 * sigma)) / Math.Pow(2, bits - 1), 0);
        AssertStart(GridStart.Asymmetric, (max - min) / (qp - qn), max - (max - min) / (qp - qn) * qp);
        AssertStart(GridStart.Lsq, 2 * weights.Average(w => Math.Abs((double)w)) / Math.Sqrt(qp), 0);
        if (min < 0)
            AssertStart(GridStart.Symmetric, Math.Max(-min, max) / Math.Pow(2, bits - 1), 0);

        void AssertStart(GridStart start, double scale, double offset)
        {
            var fit = LearnedGrid.Fit(weights, bits, start);
            Assert.Equal(scale, fit.Scale, 1e-6 * Math.Abs(scale));
            Assert.Equal(offset, fit.Offset, 1e-5);
            Assert.Equal(qn, fit.Low);
        }
    }

    [Theory, MemberData(nameof(Groups))]
    public void The_grid_of_round_to_nearest_keeps_its_zero_point_as_the_lowest_code(float[] weights, int bits)
    {
        var (scale, offset, low) = LearnedGrid.Fit(weights, bits, GridStart.RoundToNearest);
        Assert.Equal(0, offset);
        Assert.Equal(GroupGrid.Fit(weights, bits, GridKind.MinMax).Scale, scale);
        var high = low + (1 << bits) - 1;
        Assert.All(weights, w => Assert.InRange(w, (low - 0.501f) * scale, (high + 0.501f) * scale)); // nothing is clipped by more than half a step
    }

    [Fact]
    public void A_group_of_equal_weights_has_no_deviation()
    {
        var fit = LearnedGrid.Fit([0.3f, 0.3f, 0.3f], 4, GridStart.LsqPlus);
        Assert.Equal(0.3f / 8, fit.Scale, 1e-6f);
    }

    [Fact]
    public void Factors_take_rank_alpha_inputs_and_dropout_of_their_module()
    {
        var options = new TuneOptions { Rank = 4, Alpha = 8, RankPattern = "q_proj=2", AlphaPattern = "q_proj=6", Dropout = 0.25f };
        using var q = new DenseMatrix(5, 12);
        using var v = new DenseMatrix(5, 12);
        var (first, second) = (LowRankOptions.Factors(new FrozenLinear("m.q_proj", q, null), options), LowRankOptions.Factors(new FrozenLinear("m.v_proj", v, null), options, inputs: 3));
        Assert.Equal((2, 3f, 0.25f), (first.Rank, first.Scaling, first.Dropout));
        Assert.Equal([2, 12], first.A.Shape);
        Assert.Equal((4, 2f, 0f), (second.Rank, second.Scaling, second.Dropout));
        Assert.Equal([4, 3], second.A.Shape);
        Assert.Equal([5, 4], second.B.Shape);
    }

    [Fact]
    public void Qat_trains_weights_steps_and_offsets_and_only_weights_decay()
    {
        using var dense = new DenseMatrix(2, 8);
        Falling.CopyTo(dense.Row(0));
        Falling.CopyTo(dense.Row(1));
        var linear = new QatLinear("m", dense, null, w => new LearnedGrid("m", w, 3, 4, GridStart.L4Q, trainsOffset: true), new LearnedGridSink(1));
        Assert.Equal(["m.weight", "m.scale", "m.offset"], linear.Parameters.Select(p => p.Name));
        Assert.Equal([true, false, false], linear.Parameters.Select(p => p.Decays));
        var without = new QatLinear("m", dense, null, w => new LearnedGrid("m", w, 3, 4, GridStart.L4Q, trainsOffset: false), new LearnedGridSink(1));
        Assert.Equal(["m.weight", "m.scale"], without.Parameters.Select(p => p.Name));
    }

    [Fact]
    public void Scales_of_another_shape_are_refused()
    {
        using var start = new TunedScales(2, 3);
        using var other = new TunedScales(2, 4);
        Assert.Throws<ArgumentException>(() => new PeqaFactors().Compose(start.View, other));
    }
}
