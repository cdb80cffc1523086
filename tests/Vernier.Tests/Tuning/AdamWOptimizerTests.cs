using System.Text.Json;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

public class AdamWOptimizerTests
{
    public static TheoryData<string, string> Cases()
    {
        var rows = new TheoryData<string, string>();
        foreach (var meta in SharedFiles.Match("goldens/optim", "adamw_meta.json"))
            foreach (var c in Json(meta).GetProperty("cases").EnumerateObject())
                rows.Add(SharedFiles.NameOf(meta), c.Name);
        return rows;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Same_values_after_every_step(string file, string name)
    {
        var meta = Json(SharedFiles.At(file));
        var about = meta.GetProperty("cases").GetProperty(name);
        var golden = new GoldenTensors(Path.Combine(SharedFiles.At(file), "../adamw.safetensors"));
        var steps = meta.GetProperty("steps").GetInt32();
        var betas = about.GetProperty("betas");
        var options = new TuneOptions
        {
            Beta1 = betas[0].GetDouble(),
            Beta2 = betas[1].GetDouble(),
            Epsilon = about.GetProperty("eps").GetDouble(),
            WeightDecay = about.GetProperty("weight_decay").GetDouble(),
        };
        var clip = about.GetProperty("clip_norm") is { ValueKind: JsonValueKind.Number } c ? c.GetDouble() : 0;
        var parameters = Parameters(golden);
        using var pool = new WorkerPool(2);
        using var optimizer = new AdamWOptimizer(parameters, options);
        for (var step = 0; step < steps; step++)
        {
            for (var k = 0; k < parameters.Length; k++)
                Slice(golden, $"grad.{k}", step).CopyTo(parameters[k].Gradient.Span);
            var rate = about.GetProperty("lr").GetDouble() * Factor(about, step, steps);
            optimizer.Step(pool, rate, rate, GradientNorm.ClipScale(optimizer.GlobalNorm(pool), clip));
            for (var k = 0; k < parameters.Length; k++)
                Models.Close.Assert(Slice(golden, $"{name}.p.{k}", step), parameters[k].Value.Span, 1e-5, $"p.{k} after step {step}");
        }
        for (var k = 0; k < parameters.Length; k++)
        {
            Models.Close.AssertRelative(golden[$"{name}.m.{k}"].Floats, optimizer.FirstMoment(k).Span, 1e-5, $"m.{k}");
            Models.Close.AssertRelative(golden[$"{name}.v.{k}"].Floats, optimizer.SecondMoment(k).Span, 1e-5, $"v.{k}");
        }
    }

    [Fact]
    public void Decay_touches_only_what_asks_for_it()
    {
        using var pool = new WorkerPool(1);
        var decays = new Parameter("a", 3) { Decays = true };
        var stays = new Parameter("b", 3);
        decays.Value.Span.Fill(2);
        stays.Value.Span.Fill(2);
        using var optimizer = new AdamWOptimizer([decays, stays], new TuneOptions { WeightDecay = 0.1 });
        optimizer.Step(pool, 0.5, 0.5, 1);
        Assert.Equal(2 * (1 - 0.5f * 0.1f), decays.Value.Span[0], 1e-6f);
        Assert.Equal(2, stays.Value.Span[0]);
    }

    [Fact]
    public void Quantizer_state_has_a_rate_of_its_own()
    {
        using var pool = new WorkerPool(1);
        var factor = new Parameter("a", 1);
        var scale = new Parameter("b", 1) { IsQuantizerState = true };
        factor.Gradient.Span.Fill(1);
        scale.Gradient.Span.Fill(1);
        using var optimizer = new AdamWOptimizer([factor, scale], new TuneOptions());
        optimizer.Step(pool, 0.1, 0.01, 1);
        Assert.Equal(-0.1f, factor.Value.Span[0], 1e-6f);
        Assert.Equal(-0.01f, scale.Value.Span[0], 1e-6f);
    }

    [Fact]
    public void A_floored_value_keeps_its_sign()
    {
        using var pool = new WorkerPool(1);
        var scale = new Parameter("s", 2) { FloorFraction = 0.01f };
        scale.Value.Span[0] = 1;
        scale.Value.Span[1] = -1;
        scale.Gradient.Span[0] = 1;
        scale.Gradient.Span[1] = -1;
        using var optimizer = new AdamWOptimizer([scale], new TuneOptions());
        optimizer.Step(pool, 5, 5, 1);
        Assert.Equal(0.01f, scale.Value.Span[0]);
        Assert.Equal(-0.01f, scale.Value.Span[1]);
    }

    private static Parameter[] Parameters(GoldenTensors golden)
    {
        var all = new List<Parameter>();
        for (var k = 0; golden.Has($"p0.{k}"); k++)
        {
            var parameter = new Parameter($"p{k}", golden[$"p0.{k}"].Shape) { Decays = true };
            golden[$"p0.{k}"].Floats.CopyTo(parameter.Value.Span);
            all.Add(parameter);
        }
        return [.. all];
    }

    private static float[] Slice(GoldenTensors golden, string name, int step)
    {
        var tensor = golden[name];
        var size = tensor.Values.Length / tensor.Shape[0];
        return [.. tensor.Values.Skip(step * size).Take(size).Select(v => (float)v)];
    }

    /// <summary>The reference's schedule: warm-up from zero, then half a cosine.</summary>
    private static double Factor(JsonElement about, int step, int steps)
    {
        if (about.GetProperty("schedule") is not { ValueKind: JsonValueKind.Array } schedule)
            return 1;
        Assert.Equal("cosine", schedule[0].GetString());
        var warmup = schedule[1].GetInt32();
        return step < warmup ? (double)step / warmup : 0.5 * (1 + Math.Cos(Math.PI * (step - warmup) / (steps - warmup)));
    }

    private static JsonElement Json(string path) => JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
}
