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

/// <summary>Every single-layer case of the reference files: outputs, gradients, codes, masks and merges.</summary>
public class GoldenMethodTests
{
    private const int Workers = 2;

    [Theory]
    [GoldenCases("lora")]
    public void LoraOnFullPrecision(string name)
    {
        var golden = MethodCase.Load(name);
        CheckLora(golden, golden.Dense());
    }

    [Theory]
    [GoldenCases("qlora")]
    public void LoraOnQuantized(string name)
    {
        var golden = MethodCase.Load(name);
        CheckLora(golden, golden.Packed("codes", "s", "z", golden.Group));
    }

    private static void CheckLora(MethodCase golden, WeightMatrix weight)
    {
        using var compute = new Compute(Workers);
        var linear = new LoraLinear("m", weight, null, Factors(golden, (float)golden.Number("alpha")));
        Assert.Equal(golden.Number("scaling"), linear.Factors.Scaling, 1e-6);
        Check(golden, linear, compute, ("dA", linear.Factors.A), ("dB", linear.Factors.B));
        golden.AssertClose("merged", linear.Weight.ToArray());
    }

    [Theory]
    [GoldenCases("l4q")]
    public void L4QIsTheMergedQuantizedLayer(string name)
    {
        var golden = MethodCase.Load(name);
        using var compute = new Compute(Workers);
        var dense = golden.Dense();
        var linear = new L4QLinear("m", dense, null, Factors(golden, AlphaTimesRank(golden)), Grid(golden, dense, offset: true), new LearnedGridSink(Workers), new LowRankSink(Workers));
        Check(golden, linear, compute, ("dA", linear.Factors.A), ("dB", linear.Factors.B), ("ds", linear.Grid.Scale), ("db", linear.Grid.Offset!));
        golden.AssertClose("Wq", linear.Weight.ToArray());
        using var packed = linear.Pack();
        AssertCodes(golden, "codes", packed);
        Assert.Equal(linear.Weight.ToArray(), packed.ToArray());
        AssertMask(golden, "mask", linear.Grid, new LowRankSumMatrix(dense, linear.Factors));
    }

    [Theory]
    [GoldenCases("l4q_init")]
    public void L4QStart(string name)
    {
        var golden = MethodCase.Load(name);
        var (rows, columns, group) = (golden.Rows, golden.Columns, golden.Group);
        var scales = new List<float>();
        for (var i = 0; i < rows; i++)
            for (var c = 0; c < columns; c += group)
                scales.Add(LearnedGrid.Fit(golden.W.AsSpan(i * columns + c, Math.Min(group, columns - c)), golden.Bits, GridStart.L4Q).Scale);
        golden.AssertClose("s", scales.ToArray(), 1e-6);
        using var grid = new LearnedGrid("m", golden.Dense(), golden.Bits, group, GridStart.L4Q, trainsOffset: true);
        golden.Tensors["s"].Floats.CopyTo(grid.Scale.Value.Span);
        using var packed = grid.Pack(golden.Dense());
        golden.AssertClose("Wq", packed.ToArray());
        AssertCodes(golden, "codes", packed);
    }

    [Theory]
    [GoldenCases("lsq")]
    public void LearnedSteps(string name)
    {
        var golden = MethodCase.Load(name);
        foreach (var kind in new[] { "sym", "off" })
        {
            using var compute = new Compute(Workers);
            var linear = new QatLinear("m", golden.Dense(), null, w => Grid(golden, w, offset: kind == "off"), new LearnedGridSink(Workers));
            var (y, dx) = LinearRun.ForwardBackward(linear, compute, golden.X, golden.DY, golden.Tokens);
            golden.AssertClose(kind + ".Y", y);
            golden.AssertClose(kind + ".dX", dx);
            golden.AssertClose(kind + ".dW", linear.Master.Gradient.Span);
            golden.AssertClose(kind + ".ds", linear.Grid.Scale.Gradient.Span);
            if (kind == "off")
                golden.AssertClose("off.db", linear.Grid.Offset!.Gradient.Span);
            var scaled = new QatLinear("m", golden.Dense(), null, w => Grid(golden, w, offset: kind == "off", scaled: true), new LearnedGridSink(Workers));
            LinearRun.ForwardBackward(scaled, compute, golden.X, golden.DY, golden.Tokens);
            golden.AssertClose(kind + ".ds_scaled", scaled.Grid.Scale.Gradient.Span);
            if (kind == "off")
                golden.AssertClose("off.db_scaled", scaled.Grid.Offset!.Gradient.Span);
            using var packed = linear.Pack();
            AssertCodes(golden, kind + ".codes", packed);
            AssertMask(golden, kind + ".mask", linear.Grid, golden.Dense());
        }
        var start = new List<float>();
        var group = golden.Group == 0 ? golden.Columns : golden.Group;
        for (var i = 0; i < golden.Rows; i++)
            for (var c = 0; c < golden.Columns; c += group)
                start.Add(LearnedGrid.Fit(golden.W.AsSpan(i * golden.Columns + c, Math.Min(group, golden.Columns - c)), golden.Bits, GridStart.Lsq).Scale);
        golden.AssertClose("s_init_lsq", start.ToArray(), 1e-6);
    }

    [Theory]
    [GoldenCases("qat_lora")]
    public void QatLoraKeepsItsAdapterApart(string name)
    {
        var golden = MethodCase.Load(name);
        using var compute = new Compute(Workers);
        var dense = golden.Dense();
        var linear = new QatLoraLinear("m", dense, null, Factors(golden, AlphaTimesRank(golden)), Grid(golden, dense, offset: true), new LearnedGridSink(Workers));
        Check(golden, linear, compute, ("dA", linear.Factors.A), ("dB", linear.Factors.B), ("ds", linear.Grid.Scale), ("db", linear.Grid.Offset!));
        using var packed = linear.Pack();
        golden.AssertClose("Wq", packed.ToArray());
        AssertCodes(golden, "codes", packed);
        AssertMask(golden, "mask", linear.Grid, dense);
    }

    [Theory]
    [GoldenCases("qa_lora")]
    public void QaLoraIsAChangeOfZeroPoints(string name)
    {
        var golden = MethodCase.Load(name);
        using var compute = new Compute(Workers);
        var factors = Factors(golden, (float)(golden.Number("scaling") * golden.Setting("r")));
        var linear = new QaLoraLinear("m", golden.Packed("codes", "s", "z", golden.Group), null, factors, new LowRankSink(Workers));
        Check(golden, linear, compute, ("dA", factors.A), ("dB", factors.B));
        var pooled = new float[golden.Tensors["Xpool"].Values.Length];
        GroupSums.Pool(golden.X, golden.Tokens, golden.Columns, golden.Group, pooled);
        golden.AssertClose("Xpool", pooled);
        var (scale, offset) = ((PackedMatrix)linear.Weight).Scales.ToArrays();
        var zeros = new float[scale.Length];
        for (var i = 0; i < zeros.Length; i++)
            zeros[i] = -offset[i] / scale[i];
        golden.AssertClose("z_merged", zeros);
    }

    private static void Check(MethodCase golden, Linear linear, Compute compute, params (string Name, Parameter Parameter)[] gradients)
    {
        var (y, dx) = LinearRun.ForwardBackward(linear, compute, golden.X, golden.DY, golden.Tokens);
        golden.AssertClose("Y", y);
        golden.AssertClose("dX", dx);
        foreach (var (name, parameter) in gradients)
            golden.AssertClose(name, parameter.Gradient.Span);
    }

    // The reference's alpha is the plain factor; ours is divided by the rank.
    private static float AlphaTimesRank(MethodCase golden) => (float)golden.Number("alpha") * golden.Setting("r");

    private static LowRankFactors Factors(MethodCase golden, float alpha)
    {
        var (a, b) = (golden.Tensors["A"], golden.Tensors["B"]);
        var factors = new LowRankFactors("m", a.Shape[1], b.Shape[0], a.Shape[0], alpha, seed: 1);
        a.Floats.CopyTo(factors.A.Value.Span);
        b.Floats.CopyTo(factors.B.Value.Span);
        return factors;
    }

    private static LearnedGrid Grid(MethodCase golden, WeightMatrix weight, bool offset, bool scaled = false)
    {
        var grid = new LearnedGrid("m", weight, golden.Bits, golden.Group, GridStart.L4Q, offset, scaled);
        golden.Tensors["s"].Floats.CopyTo(grid.Scale.Value.Span);
        if (offset)
            golden.Tensors["b"].Floats.CopyTo(grid.Offset!.Value.Span);
        grid.Refresh();
        return grid;
    }

    private static void AssertCodes(MethodCase golden, string name, PackedMatrix packed)
    {
        var row = new byte[packed.Columns];
        for (var i = 0; i < packed.Rows; i++)
        {
            packed.ReadCodes(i, 0, row);
            for (var j = 0; j < row.Length; j++)
                Assert.Equal(golden.Tensors[name].Values[i * packed.Columns + j], row[j] - (1 << (packed.Bits - 1)));
        }
    }

    // The mask is what turns a gradient of ones into the gradient of the weight.
    private static void AssertMask(MethodCase golden, string name, LearnedGrid grid, WeightMatrix source)
    {
        var w = source.ToArray();
        for (var i = 0; i < grid.Rows; i++)
        {
            var mask = new float[grid.Columns];
            Array.Fill(mask, 1f);
            grid.AccumulateGradients(i, 0, w.AsSpan(i * grid.Columns, grid.Columns), mask);
            for (var j = 0; j < mask.Length; j++)
                Assert.Equal(golden.Tensors[name].Values[i * grid.Columns + j], mask[j]);
        }
    }
}
