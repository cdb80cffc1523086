using System.Diagnostics;
using Vernier.Adapters;
using Vernier.Data;
using Vernier.Models;
using Vernier.Tests.Tuning;
using Vernier.Tuning;

namespace Vernier.Tests.Adapters;

public class TaskSwitchTests
{
    private static readonly TuneOptions s_options = new() { Method = "peqa", Bits = 3, Group = 8, Granularity = Granularity.Group };

    [Fact]
    public void Tasks_compute_what_they_were_tuned_to_and_the_base_comes_back_exactly()
    {
        using var compute = new Compute(1);
        var (adapterA, lossA) = Tune(compute, steps: 3);
        var (adapterB, lossB) = Tune(compute, steps: 6);
        using var model = Quantized(compute);
        var baseLoss = Loss(model, compute);
        using (var tasks = new TaskSwitch(model, compute, "tiny", () => TinyCodes.Of(model)))
        {
            tasks.Add("a", adapterA);
            Assert.Equal(baseLoss, Loss(model, compute));
            tasks.Activate("a");
            tasks.Add("b", adapterB);
            Assert.Equal(lossA, Loss(model, compute));
            tasks.Activate("b");
            Assert.Equal(lossB, Loss(model, compute));
            tasks.Activate("a");
            Assert.Equal(lossA, Loss(model, compute));
            tasks.Activate(null);
            Assert.Equal(baseLoss, Loss(model, compute));
            Assert.Throws<KeyNotFoundException>(() => tasks.Activate("c"));
            Assert.Equal(["a", "b"], tasks.Tasks.Order());
            tasks.Activate("b");
        }
        Assert.Equal(baseLoss, Loss(model, compute));
    }

    [Fact]
    public void Between_two_tasks_lie_others()
    {
        using var compute = new Compute(1);
        var (adapterA, lossA) = Tune(compute, steps: 3);
        var (adapterB, lossB) = Tune(compute, steps: 6);
        using var model = Quantized(compute);
        using var tasks = new TaskSwitch(model, compute, "tiny", () => TinyCodes.Of(model));
        tasks.Add("a", adapterA);
        tasks.Add("b", adapterB);
        tasks.Interpolate("first", "a", "b", 0);
        tasks.Interpolate("half", "a", "b", 0.5f);
        tasks.Interpolate("second", "a", "b", 1);
        tasks.Activate("first");
        Assert.Equal(lossA, Loss(model, compute), 1e-3 * lossA);
        tasks.Activate("second");
        Assert.Equal(lossB, Loss(model, compute), 1e-3 * lossB);
        tasks.Activate("half");
        Assert.InRange(Loss(model, compute), Math.Min(lossA, lossB), Math.Max(lossA, lossB));
        Assert.Throws<ArgumentException>(() => tasks.Interpolate("half", "a", "b", 0.5f));
        Assert.Throws<KeyNotFoundException>(() => tasks.Interpolate("c", "a", "x", 0.5f));
        Assert.Throws<KeyNotFoundException>(() => tasks.Scales("x"));
    }

    [Theory]
    [InlineData(Granularity.Group)]
    [InlineData(Granularity.LowRank)]
    public void A_batch_of_tasks_computes_what_each_one_does(Granularity granularity)
    {
        using var compute = new Compute(1);
        var (adapter, _) = Tune(compute, steps: 3, granularity);
        using var model = Quantized(compute);
        using var tasks = new TaskSwitch(model, compute, "tiny", () => TinyCodes.Of(model));
        tasks.Add("a", adapter);
        var vocabulary = model.Config.VocabularySize;
        KvCache[] caches = [new(model.Config, 8), new(model.Config, 8)];
        var (together, alone) = (new float[2 * vocabulary], new float[2 * vocabulary]);
        tasks.Activate("a");
        model.Forward(compute, [1], caches[0], alone.AsSpan(0, vocabulary));
        tasks.Activate(null);
        model.Forward(compute, [2], caches[1], alone.AsSpan(vocabulary));
        foreach (var cache in caches)
            cache.Truncate(0);
        model.ForwardBatch(compute, [1, 2], caches, [tasks.Scales("a"), null], together);
        Assert.Equal(alone, together);
        foreach (var cache in caches)
            cache.Dispose();
    }

    [Fact]
    public void Switching_takes_microseconds()
    {
        using var compute = new Compute(1);
        var (adapter, _) = Tune(compute, steps: 1);
        using var model = Quantized(compute);
        using var tasks = new TaskSwitch(model, compute, "tiny", () => TinyCodes.Of(model));
        tasks.Add("a", adapter);
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < 1000; i++)
            tasks.Activate(i % 2 == 0 ? "a" : null);
        Assert.True(Stopwatch.GetElapsedTime(started).TotalMilliseconds < 1000);
    }

    [Fact]
    public void What_is_no_task_of_this_model_is_refused()
    {
        using var compute = new Compute(1);
        var (adapter, _) = Tune(compute, steps: 1);
        using var other = Quantized(compute, seed: 2);
        using var tasks = new TaskSwitch(other, compute, "other", () => TinyCodes.Of(other));
        Assert.Contains(TinyCodes.Of(other)!, Assert.Throws<InvalidDataException>(() => { tasks.Add("a", adapter); }).Message);
        using var lora = TinyRun.Create();
        var options = new TuneOptions { Method = "lora" };
        TuningMethods.Of(new TuneOptions { Method = "lora" }).Apply(lora, options, compute);
        Assert.Throws<NotSupportedException>(() => { tasks.Add("b", Adapter.Of(TuningMethods.Of(new TuneOptions { Method = "lora" }), lora, options, "tiny", null, null)); });
    }

    private static (Adapter Adapter, double Loss) Tune(Compute compute, int steps, Granularity granularity = Granularity.Group)
    {
        var options = s_options with { Granularity = granularity };
        using var decoder = TinyRun.Create();
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Apply(decoder, options, compute);
        using var loop = new TrainingLoop(decoder, compute, new BatchOrder(TinyRun.Data(), 2, 1, null), options);
        for (var step = 0; step < steps; step++)
            loop.Step(step, 0.02, 0.02);
        return (Adapter.Of(TuningMethods.Of(new TuneOptions { Method = "peqa" }), decoder, options, "tiny", null, TinyCodes.Of(decoder)), Loss(decoder, compute));
    }

    private static Decoder Quantized(Compute compute, int seed = 1)
    {
        var decoder = TinyRun.Create(seed);
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Apply(decoder, s_options, compute);
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Merge(decoder);
        return decoder;
    }

    private static double Loss(Decoder decoder, Compute compute)
    {
        var order = new BatchOrder(TinyRun.Data(), 7, 1, null);
        order.Begin(0);
        return decoder.SumNegativeLogLikelihood(compute, order.MicroBatch(0));
    }
}
