using System.Text.Json;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

/// <summary>The papers' tables by formula (PEQA, tables 1 and 4).</summary>
public class TuningPlanTests
{
    [Theory]
    [InlineData("llama-7b", 1_359_872, 3.77, 2.96, 13.48)]
    [InlineData("llama-13b", 2_129_920, 7.00, 5.42, 26.03)]
    [InlineData("llama-30b", 4_147_200, 16.91, 12.90, 65.06)]
    [InlineData("llama-65b", 6_799_360, 33.45, 25.35, 130.57)]
    public void PeqaOfLlama(string shape, long trainable, double fourBits, double threeBits, double full)
    {
        var config = ModelShapes.Find(shape);
        var options = new TuneOptions { Method = "peqa", Granularity = Granularity.Channel, Bits = 4 };
        var plan = TuningPlan.For(config, options);
        Assert.Equal(trainable, plan.TrainableParameters);
        Assert.Equal(fourBits, plan.ModelBytes / 1e9, 0.01);
        Assert.Equal(threeBits, TuningPlan.For(config, options with { Bits = 3 }).ModelBytes / 1e9, 0.01);
        Assert.Equal(full, TuningPlan.For(config, new TuneOptions { Method = "lora" }).ModelBytes / 1e9, 0.01);
        Assert.Equal(full, TuningPlan.For(config, new TuneOptions { Method = "full" }).ModelBytes / 1e9, 0.01);
    }

    [Theory]
    [InlineData("llama-7b", 2.10)]
    [InlineData("llama-13b", 3.28)]
    [InlineData("llama-30b", 6.39)]
    [InlineData("llama-65b", 10.49)]
    public void LoraOfLlama(string shape, double millions) =>
        Assert.Equal(millions, TuningPlan.For(ModelShapes.Find(shape), new TuneOptions { Method = "lora", Rank = 4, Targets = "qv" }).TrainableParameters / 1e6, 0.005);

    [Theory]
    [InlineData("llama-7b")]
    [InlineData("gpt-j-6b")]
    public void LowRankFactorsTakeAsManyAsSeparableOnesForEachRank(string shape)
    {
        var separable = new TuneOptions { Method = "peqa", Granularity = Granularity.Separable, Bits = 4, Group = 128 };
        var plan = TuningPlan.For(ModelShapes.Find(shape), separable with { Granularity = Granularity.LowRank, Rank = 3 });
        Assert.Equal(3 * TuningPlan.For(ModelShapes.Find(shape), separable).TrainableParameters, plan.TrainableParameters);
        Assert.Equal(TuningPlan.For(ModelShapes.Find(shape), separable with { Granularity = Granularity.Group }).StepTeraflop, plan.StepTeraflop);
    }

    /// <summary>The published sizes (arXiv 2401.04088, 2505.09388), rounded as they are there.</summary>
    [Theory]
    [InlineData("mixtral-8x7b", 46.7, 12.9)]
    [InlineData("qwen3-30b-a3b", 30.5, 3.3)]
    public void ExpertsCountOnceAndComputeInTurn(string shape, double billions, double active)
    {
        var plan = TuningPlan.For(ModelShapes.Find(shape), new TuneOptions { Bits = 4 });
        Assert.Equal(billions, plan.Parameters / 1e9, 0.05);
        Assert.Equal(active, plan.ActiveParameters / 1e9, 0.06);
        var dense = ModelShapes.Find("llama-7b");
        Assert.Equal(TuningPlan.For(dense, new TuneOptions { Bits = 4 }).Parameters, TuningPlan.For(dense, new TuneOptions { Bits = 4 }).ActiveParameters);
    }

    [Fact]
    public void SeparableFactorsOfWholeRowsAreThoseOfChannels()
    {
        var separable = new TuneOptions { Bits = 4 };
        var config = ModelShapes.Find("smollm2-360m");
        Assert.Equal(TuningPlan.For(config, separable with { Granularity = Granularity.Channel }).TrainableParameters, TuningPlan.For(config, separable).TrainableParameters);
    }

    [Fact]
    public void TimesComeFromTheSpeedOfTheMachine()
    {
        var plan = TuningPlan.For(ModelShapes.Find("smollm2-360m"), new TuneOptions { Bits = 4 });
        Assert.Equal((null, null), (plan.StepSeconds, plan.Seconds));
        var timed = plan.At(100, 30);
        Assert.Equal((plan.StepTeraflop + plan.RecomputedTeraflop) * 10, timed.StepSeconds!.Value, 1e-9);
        Assert.Equal(30 * timed.StepSeconds.Value, timed.Seconds!.Value, 1e-6);
        Assert.Equal(timed.StepSeconds, plan.At(100, null).Seconds);
        Assert.Equal(0, TuningPlan.For(ModelShapes.Find("smollm2-360m"), new TuneOptions { Bits = 4, MemoryLimit = 1L << 50 }).RecomputedTeraflop);
    }

    [Theory]
    [InlineData("gpt-neo-2.7b", 737_280)]
    [InlineData("gpt-j-6b", 1_032_192)]
    public void PeqaOfOthers(string shape, long trainable) =>
        Assert.Equal(trainable, TuningPlan.For(ModelShapes.Find(shape), new TuneOptions { Method = "peqa", Granularity = Granularity.Channel, Bits = 4 }).TrainableParameters);

    public static TheoryData<string> ReferenceRuns => [.. SharedFiles.Match("goldens/runs", "runs.json").Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(ReferenceRuns))]
    public void TrainableCountsOfTheReferenceRuns(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.At(file)));
        var config = ModelShapes.Find("smollm2-135m");
        var judged = 0;
        foreach (var run in json.RootElement.EnumerateArray())
        {
            var (method, group) = (run.GetProperty("method").GetString()!, run.GetProperty("group").GetInt32());
            var options = new TuneOptions { Bits = run.GetProperty("bits").GetInt32(), Group = group, Rank = 4 };
            options = method switch
            {
                "peqa_sep" => options with { Granularity = Granularity.Separable },
                "peqa" or "peqa_rel" or "peqa_q41" or "peqa_int8g32" => options with { Granularity = Granularity.Group },
                "lora" or "qlora" => options with { Method = method, Bits = method == "lora" ? null : options.Bits },
                "l4q" or "qat" => options with { Method = method },
                _ => options with { Method = "" },
            };
            if (options.Method.Length == 0 || run.GetProperty("trainable").GetInt64() == 0)
                continue;
            Assert.Equal(run.GetProperty("trainable").GetInt64(), TuningPlan.For(config, options).TrainableParameters);
            judged++;
        }
        Assert.True(judged > 0);
    }

    [Fact]
    public void EveryNamedShapeAndMethodHasAPlan()
    {
        foreach (var shape in ModelShapes.Names)
            foreach (var method in TuningMethods.All)
            {
                var plan = TuningPlan.For(ModelShapes.Find(shape), new TuneOptions { Method = method.Name, Scheme = method.Scheme ?? "rtn", Bits = method.Name is "lora" ? null : 4, Group = 64 });
                Assert.True(plan.TrainableParameters > 0 && plan.ResidentBytes > plan.ActivationBytes, $"{shape} {method.Name}");
            }
        Assert.Contains("llama-7b", Assert.Throws<ArgumentException>(() => ModelShapes.Find("llama-8b")).Message);
        Assert.Contains("peqa", Assert.Throws<ArgumentException>(() => TuningMethods.Of(new TuneOptions { Method = "peqqa" })).Message);
    }
}
