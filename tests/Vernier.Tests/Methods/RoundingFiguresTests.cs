using System.Text.Json;
using Vernier.Data;
using Vernier.Methods.L4q;
using Vernier.Methods.LearnedGrids;
using Vernier.Methods.Qat;
using Vernier.Methods.QatLora;
using Vernier.Models;
using Vernier.Tests.Tuning;
using Vernier.Tuning;

namespace Vernier.Tests.Methods;

/// <summary>What methods that round in the forward pass tell of it in the log.</summary>
public class RoundingFiguresTests
{
    [Theory]
    [InlineData("l4q", "l4q")]
    [InlineData("l4q", "lsq+")]
    [InlineData("qat-lora", "lsq+")]
    [InlineData("qat", "lsq")]
    public void ClippedShareAndErrorAreThoseOfTheWeights(string method, string init)
    {
        using var compute = new Compute(2);
        using var decoder = TinyRun.Create();
        var options = new TuneOptions { Method = method, Init = init, Bits = 3, Group = 8, Rank = 2 };
        var tuning = TuningMethods.Of(new TuneOptions { Method = method });
        tuning.Apply(decoder, options, compute);
        var (clipped, weights, error, size) = (0L, 0L, 0.0, 0.0);
        foreach (var linear in decoder.Linears)
        {
            var (source, grid) = Rounded(linear);
            var (before, after) = (source.Source.ToArray(), source.ToArray());
            for (var i = 0; i < before.Length; i++)
            {
                var at = i / source.Columns * grid.Groups + i % source.Columns / grid.GroupSize;
                var v = (before[i] - (grid.Offset?.Value.Span[at] ?? 0)) / grid.Scale.Value.Span[at];
                clipped += v < -4 || v > 3 ? 1 : 0;
                error += Math.Pow(before[i] - after[i], 2);
                size += Math.Pow(before[i], 2);
            }
            weights += before.Length;
        }
        using var loop = new TrainingLoop(decoder, compute, new BatchOrder(TinyRun.Data(), 2, 1, null), options);
        loop.Step(0, 0.01, 0.01);
        var figures = tuning.TakeFigures().ToDictionary(f => f.Name, f => f.Value);
        Assert.Equal((double)clipped / weights, figures["clipped"], 1e-9);
        Assert.Equal(error / size, figures["quantization_error"], 1e-5);
        Assert.True(init != "l4q" || clipped == 0);
        Assert.Empty(tuning.TakeFigures()); // taken, and no step since
    }

    [Fact]
    public void TheLogHasThem()
    {
        using var folder = new TemporaryFolder();
        using var compute = new Compute(1);
        using var decoder = TinyRun.Create();
        var options = new TuneOptions { Method = "l4q", Bits = 3, Group = 8, Rank = 2, Steps = 3, GradientScale = true };
        new Tuner(decoder, compute, "tiny", () => null, options, TinyRun.Data(), null, folder.Path).Run();
        foreach (var line in File.ReadLines(folder.At("log.jsonl")))
        {
            var step = JsonDocument.Parse(line).RootElement;
            Assert.InRange(step.GetProperty("clipped").GetDouble(), 0, 1);
            Assert.InRange(step.GetProperty("quantization_error").GetDouble(), 1e-6, 1);
        }
    }

    [Theory]
    [InlineData("l4q")]
    [InlineData("qat-lora")]
    public void GradientScaleShrinksTheStepsGradientsAlone(string method)
    {
        var (plain, scaled) = (Gradients(method, false), Gradients(method, true));
        foreach (var (a, b) in plain.Zip(scaled))
        {
            var factor = a.Name.EndsWith(".scale", StringComparison.Ordinal) || a.Name.EndsWith(".offset", StringComparison.Ordinal) ? 1 / Math.Sqrt(8 * 3) : 1;
            Assert.All(a.Values.Zip(b.Values), v => Assert.Equal(v.First * factor, v.Second, 1e-5));
        }
    }

    private static List<(string Name, float[] Values)> Gradients(string method, bool scale)
    {
        using var compute = new Compute(1);
        using var decoder = TinyRun.Create();
        var options = new TuneOptions { Method = method, Init = "lsq+", Bits = 3, Group = 8, Rank = 2, GradientScale = scale };
        TuningMethods.Of(new TuneOptions { Method = method }).Apply(decoder, options, compute);
        using var loop = new TrainingLoop(decoder, compute, new BatchOrder(TinyRun.Data(), 2, 1, null), options);
        loop.Step(0, 0, 0);
        return [.. loop.Optimizer.Parameters.Select(p => (p.Name, p.Gradient.Span.ToArray()))];
    }

    private static (FakeQuantizedMatrix Weight, LearnedGrid Grid) Rounded(Linear linear) => linear switch
    {
        L4QLinear l4q => ((FakeQuantizedMatrix)l4q.Weight, l4q.Grid),
        QatLinear qat => ((FakeQuantizedMatrix)qat.Weight, qat.Grid),
        QatLoraLinear lora => ((FakeQuantizedMatrix)lora.Quantized, lora.Grid),
        _ => throw new ArgumentException(linear.Name),
    };
}
