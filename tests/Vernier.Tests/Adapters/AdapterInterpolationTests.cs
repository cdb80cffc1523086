using Vernier.Adapters;
using Vernier.Models;
using Vernier.Tests.Tuning;
using Vernier.Tuning;

namespace Vernier.Tests.Adapters;

/// <summary>Two tasks into one between them, and how two adapters differ.</summary>
public class AdapterInterpolationTests
{
    [Theory]
    [InlineData("peqa")]
    [InlineData("lora")]
    [InlineData("qlora")]
    [InlineData("qa-lora")]
    [InlineData("full")]
    [InlineData("peqa", Granularity.LowRank)]
    public void EndsAreTheTasksThemselves(string method, Granularity granularity = Granularity.Separable)
    {
        using var compute = new Compute(1);
        var (a, b) = (Task(method, 0.01, compute, granularity: granularity), Task(method, -0.02, compute, granularity: granularity));
        Assert.NotEqual(Loss(a, compute), Loss(b, compute));
        Assert.Equal(Loss(a, compute), Loss(AdapterInterpolation.Of(a, b, 0), compute), 1e-5);
        Assert.Equal(Loss(b, compute), Loss(AdapterInterpolation.Of(a, b, 1), compute), 1e-5);
        // what lies between is the same from either side
        Assert.Equal(Loss(AdapterInterpolation.Of(a, b, 0.3), compute), Loss(AdapterInterpolation.Of(b, a, 0.7), compute), 1e-5);
    }

    [Fact]
    public void FactorsGoGeometrically()
    {
        using var compute = new Compute(1);
        var (a, b) = (Task("peqa", 0.01, compute), Task("peqa", -0.02, compute));
        var middle = AdapterInterpolation.Of(a, b, 0.5);
        Assert.All(middle.Tensors.Values, t => Assert.All(t.Values.Index(), v =>
            Assert.Equal(Math.Sqrt((double)a.Tensors[t.Name].Values[v.Index] * b.Tensors[t.Name].Values[v.Index]), v.Item, 1e-6)));
    }

    [Theory]
    [InlineData("lora")]
    [InlineData("peqa")]
    public void LowRankChangesAddExactly(string method)
    {
        using var compute = new Compute(1);
        var (a, b) = (Task(method, 0.01, compute, granularity: Granularity.LowRank), Task(method, -0.02, compute, granularity: Granularity.LowRank));
        using var expected = Applied(AdapterInterpolation.Of(a, b, 0.25), compute);
        using var first = Applied(a, compute);
        using var second = Applied(b, compute);
        foreach (var (x, y, z) in expected.Linears.Zip(first.Linears, second.Linears))
            Assert.All(x.Weight.ToArray().Zip(y.Weight.ToArray(), z.Weight.ToArray()), v => Assert.Equal(0.75f * v.Second + 0.25f * v.Third, v.First, 1e-5f));
    }

    [Fact]
    public void WhatDoesNotGoTogetherIsRefused()
    {
        using var compute = new Compute(1);
        var peqa = Task("peqa", 0.01, compute);
        Assert.Throws<NotSupportedException>(() => AdapterInterpolation.Of(peqa, Task("lora", 0.01, compute), 0.5));
        var l4q = Task("l4q", 0.01, compute);
        Assert.Contains("l4q", Assert.Throws<NotSupportedException>(() => AdapterInterpolation.Of(l4q, l4q, 0.5)).Message);
        var other = Task("peqa", 0.01, compute, seed: 2);
        var error = Assert.Throws<InvalidDataException>(() => AdapterInterpolation.Of(peqa, other, 0.5));
        Assert.Contains(peqa.Config.TunedCodesSha256!, error.Message);
        Assert.Contains(other.Config.TunedCodesSha256!, error.Message);
        foreach (var granularity in (Granularity[])[Granularity.Group, Granularity.LowRank])
            Assert.Throws<InvalidDataException>(() => AdapterInterpolation.Of(peqa, Task("peqa", 0.01, compute, granularity: granularity), 0.5));
    }

    [Fact]
    public void DifferencesAreCounted()
    {
        using var compute = new Compute(1);
        var (a, b) = (Task("peqa", 0.01, compute), Task("peqa", -0.02, compute));
        Assert.True(AdapterDifference.Of(a, a).Equal);
        var difference = AdapterDifference.Of(a, b);
        Assert.False(difference.Equal);
        Assert.True(difference is { SameMethod: true, SameCodes: true, RootMeanSquare: > 0 });
        Assert.All(difference.Tensors, t => Assert.True(t.Changed > 0 && t.Largest >= t.RootMeanSquare));
        Assert.All(AdapterDifference.Of(a, Task("lora", 0.01, compute)).Tensors, t => Assert.NotNull(t.Only));
    }

    private static Adapter Task(string method, double rate, Compute compute, int seed = 1, Granularity granularity = Granularity.Separable)
    {
        var options = new TuneOptions { Method = method, Granularity = granularity, Bits = method is "lora" or "full" ? null : 4, Group = method is "lora" or "full" ? 0 : 8, Rank = 2, LearningRate = (float)Math.Abs(rate) };
        using var decoder = TinyRun.Create(seed);
        var tuning = TuningMethods.Of(new TuneOptions { Method = method });
        tuning.Apply(decoder, options, compute);
        using var loop = new TrainingLoop(decoder, compute, new Vernier.Data.BatchOrder(TinyRun.Data(), 2, 1, null), options);
        for (var step = 0; step < 4; step++)
            loop.Step(step, rate, rate);
        return Adapter.Of(tuning, decoder, options, "tiny", null, TinyCodes.Of(decoder));
    }

    private static Decoder Applied(Adapter adapter, Compute compute)
    {
        var decoder = TinyRun.Create();
        adapter.ApplyTo(decoder, compute, "tiny", () => TinyCodes.Of(decoder));
        return decoder;
    }

    private static double Loss(Adapter adapter, Compute compute)
    {
        using var decoder = Applied(adapter, compute);
        var order = new Vernier.Data.BatchOrder(TinyRun.Data(), 7, 1, null);
        var scored = order.Begin(0);
        return decoder.SumNegativeLogLikelihood(compute, order.MicroBatch(0)) / scored;
    }
}
