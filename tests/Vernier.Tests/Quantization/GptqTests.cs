using Vernier.Kernels;
using Vernier.Quantization;
using Vernier.Tests.Goldens;

namespace Vernier.Tests.Quantization;

public class GptqTests
{
    [Theory]
    [GoldenCases("gptq_H")]
    public void GoldenHessian(string name)
    {
        var golden = MethodCase.Load(name);
        using var pool = new WorkerPool(2);
        using var moments = Moments(golden, pool);
        using var h = moments.Hessian();
        golden.AssertClose("H", Array.ConvertAll(h.Span.ToArray(), v => (float)v));
    }

    [Theory]
    [GoldenCases("gptq")]
    public void GoldenCodes(string name)
    {
        var golden = MethodCase.Load(name);
        using var pool = new WorkerPool(2);
        using var moments = Moments(golden, pool);
        using var weight = golden.Dense();
        var result = Gptq.Quantize(pool, weight, moments, new GptqOptions
        {
            Bits = golden.Bits,
            Group = golden.Group,
            Grid = golden.Flag("mse") ? GridKind.ClipSearch : GridKind.MinMax,
            Damping = golden.Number("damp"),
            Block = golden.Setting("block"),
            ActivationOrder = golden.Flag("actorder"),
            StaticGroups = golden.Flag("static_groups"),
            GridFromUpdated = golden.Text("grid_from") == "updated",
        });
        Assert.Equal(golden.Tensors["perm"].Values, Array.ConvertAll(result.Order, v => (double)v));
        Assert.Equal(golden.Tensors["g_idx"].Values, Array.ConvertAll(result.GroupIndex, v => (double)v));
        Assert.Equal(golden.Tensors["codes"].Values, Array.ConvertAll(result.Codes, v => (double)v));
        Assert.Equal(golden.Tensors["zeros"].Values, Array.ConvertAll(result.Grids, g => (double)g.Zero));
        golden.AssertClose("scales", Array.ConvertAll(result.Grids, g => g.Scale), 1e-5);
        Assert.Equal(golden.Tensors["loss_sum"].Values[0], result.Loss, 1e-4 * result.Loss);

        var difference = golden.W;
        for (var i = 0; i < result.Rows; i++)
            for (var j = 0; j < result.Columns; j++)
                difference[i * result.Columns + j] -= result.Weight(i, j);
        var error = golden.Tensors["proxy_error"].Values[0];
        Assert.Equal(error, Gptq.OutputError(difference, result.Rows, moments), 1e-4 * error);

        if (golden.Group == 0 || golden.Flag("static_groups") || !golden.Flag("actorder"))
        {
            using var packed = result.Pack();
            Assert.Equal(result.Weight(3, 7), packed.ToArray()[3 * result.Columns + 7], 1e-6f);
        }
        else
            Assert.Throws<NotSupportedException>(result.Pack);
    }

    [Fact]
    public void WideLayerBeatsRoundingByTheErrorThatCounts()
    {
        var random = new Random(2);
        const int Rows = 20, Columns = 300, Tokens = 700;
        var w = new float[Rows * Columns];
        foreach (ref var v in w.AsSpan())
            v = random.NextSingle() - 0.5f;
        var x = new float[Tokens * Columns];
        for (var t = 0; t < Tokens; t++)
            for (var j = 0; j < Columns; j++)
                x[t * Columns + j] = random.NextSingle() - 0.5f + (j > 0 ? 0.8f * x[t * Columns + j - 1] : 0);
        using var pool = new WorkerPool(2);
        using var moments = new InputMoments(Columns);
        moments.Add(pool, x, Tokens);
        using var weight = MethodCase.Dense(w, Rows, Columns);
        foreach (var group in new[] { 0, 48 })
            foreach (var act in new[] { false, true })
            {
                var result = Gptq.Quantize(pool, weight, moments, new GptqOptions { Bits = 3, Group = group, ActivationOrder = act, StaticGroups = true });
                using var packed = result.Pack();
                using var rounded = RoundToNearest.Quantize(weight, 3, group);
                Assert.True(Error(w, packed, moments) < 0.7 * Error(w, rounded, moments), $"group {group}, order {act}");
            }
    }

    [Fact]
    public void SingularMomentsAskForMoreData()
    {
        using var pool = new WorkerPool(1);
        using var moments = new InputMoments(8);
        moments.Add(pool, [1, 1, 1, 1, 1, 1, 1, 1], 1);
        using var weight = new DenseMatrix(4, 8);
        Assert.Contains("1 calibration inputs are singular", Assert.Throws<InvalidDataException>(() => Gptq.Quantize(pool, weight, moments, new GptqOptions { Damping = 0 })).Message);
    }

    [Fact]
    public void NoDataIsAnError()
    {
        using var pool = new WorkerPool(1);
        using var moments = new InputMoments(8);
        using var weight = new DenseMatrix(4, 8);
        Assert.Throws<InvalidOperationException>(() => Gptq.Quantize(pool, weight, moments, new GptqOptions()));
    }

    private static double Error(float[] w, PackedMatrix packed, InputMoments moments)
    {
        var back = packed.ToArray();
        return Gptq.OutputError(w.Zip(back, (a, b) => a - b).ToArray(), packed.Rows, moments);
    }

    private static InputMoments Moments(MethodCase golden, WorkerPool pool)
    {
        var x = golden.Inputs!["Xcal"];
        var moments = new InputMoments(x.Shape[1]);
        var half = x.Shape[0] / 2;
        moments.Add(pool, x.Floats.AsSpan(0, half * x.Shape[1]), half);
        moments.Add(pool, x.Floats.AsSpan(half * x.Shape[1]), x.Shape[0] - half);
        return moments;
    }
}
