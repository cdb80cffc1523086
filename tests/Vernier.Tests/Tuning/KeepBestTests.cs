using Vernier.Data;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

/// <summary>--keep best and --patience; and what methods that train codes are held against.</summary>
public class KeepBestTests
{
    // Trained on rows of one pattern and validated on another: the validation loss falls a little, then rises.
    private static readonly TuneOptions s_options = new() { Method = "full", Batch = 2, Steps = 20, LearningRate = 0.02f, Seed = 3, EvalEvery = 1, Schedule = ScheduleKind.Constant };

    [Fact]
    public void Keeps_the_state_of_the_lowest_validation_loss()
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder.Path, s_options with { Keep = KeptState.Best });
        var evals = Evals(folder.Path);
        var lowest = evals.Append(result.InitialEval!.Value).Min();
        Assert.Equal(lowest, result.FinalEval);
        Assert.True(result.KeptStep < result.Step, $"kept {result.KeptStep} of {result.Step}: the data do not test this");
        Assert.Equal(lowest, result.KeptStep == 0 ? result.InitialEval!.Value : evals[result.KeptStep - 1]);

        // The adapter is the one that a run of so many steps leaves.
        using var shorter = new TemporaryFolder();
        if (result.KeptStep > 0)
            Run(shorter.Path, s_options with { StopAfter = result.KeptStep });
        Assert.True(result.KeptStep > 0);
        Assert.Equal(File.ReadAllBytes(shorter.At("adapter_model.safetensors")), File.ReadAllBytes(folder.At("adapter_model.safetensors")));
    }

    [Fact]
    public void Patience_ends_the_run_and_leaves_it_finished()
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder.Path, s_options with { Keep = KeptState.Best, Patience = 2 });
        Assert.True(result.StoppedEarly);
        Assert.True(result.Finished);
        Assert.Equal(result.KeptStep + 2, result.Step);
        Assert.True(result.Step < 20);
        // To go on changes nothing.
        var again = Run(folder.Path, s_options with { Keep = KeptState.Best, Patience = 2 }, resume: true);
        Assert.Equal((result.Step, result.KeptStep, result.FinalEval), (again.Step, again.KeptStep, again.FinalEval));
    }

    [Fact]
    public void Stopped_and_resumed_keeps_the_same_state()
    {
        var options = s_options with { Keep = KeptState.Best };
        using var whole = new TemporaryFolder();
        using var parts = new TemporaryFolder();
        var result = Run(whole.Path, options);
        Run(parts.Path, options with { StopAfter = result.KeptStep + 2 });
        var resumed = Run(parts.Path, options, resume: true);
        Assert.Equal((result.KeptStep, result.FinalEval), (resumed.KeptStep, resumed.FinalEval));
        Assert.Equal(File.ReadAllBytes(whole.At("adapter_model.safetensors")), File.ReadAllBytes(parts.At("adapter_model.safetensors")));
    }

    [Theory]
    [InlineData(KeptState.Best, null)]
    [InlineData(KeptState.Last, 3)]
    public void Both_need_validation_data(KeptState keep, int? patience)
    {
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<ArgumentException>(() => Run(folder.Path, s_options with { Keep = keep, Patience = patience }, validated: false));
        Assert.Contains("needs validation data", e.Message);
    }

    [Theory]
    [InlineData("l4q", true)]
    [InlineData("qat", true)]
    [InlineData("peqa", false)]
    public void Methods_that_train_codes_are_held_against_the_model_that_was_brought(string method, bool against)
    {
        using var folder = new TemporaryFolder();
        using var decoder = TinyRun.Create();
        using var compute = new Compute(1);
        var brought = Loss(decoder, compute);
        var result = Run(folder.Path, s_options with { Method = method, Bits = 2, Group = 8, Steps = 1, LearningRate = 1e-6f });
        Assert.Equal(brought, result.BroughtEval!.Value, 1e-6);
        Assert.NotEqual(result.BroughtEval, result.StartEval);
        Assert.Equal(against ? result.BroughtEval : result.StartEval, result.InitialEval);
        Assert.Equal(against && result.FinalEval > result.BroughtEval + 1e-4, result.Warnings.Any(w => w.Contains("as the model was brought")));
    }

    [Fact]
    public void A_run_that_rounds_nothing_has_one_before()
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder.Path, s_options with { Steps = 1 });
        Assert.Null(result.BroughtEval);
        Assert.Null(result.StartEval);
    }

    private static TrainingData Other() =>
        TrainingData.FromSequences(Enumerable.Range(0, 4).Select(r => Enumerable.Range(0, 12).Select(t => (r * 5 + t * (r % 2 + 1)) % 40 + (t % 4 == 3 ? 5 : 0)).ToArray()), "other rows", TinyRun.Config);

    private static double Loss(Decoder decoder, Compute compute)
    {
        var data = Other();
        var order = new BatchOrder(data, 2, 1, null);
        var sum = 0.0;
        for (var i = 0; i < order.StepsPerEpoch; i++)
        {
            order.Begin(i);
            sum += decoder.SumNegativeLogLikelihood(compute, order.MicroBatch(0));
        }
        return sum / data.ScoredTokens;
    }

    private static TuneResult Run(string folder, TuneOptions options, bool resume = false, bool validated = true)
    {
        using var compute = new Compute(1);
        using var decoder = TinyRun.Create();
        return new Tuner(decoder, compute, "tiny", () => TinyCodes.Of(decoder), options, TinyRun.Data(), validated ? Other() : null, folder).Run(resume);
    }

    private static double[] Evals(string folder) =>
        [.. File.ReadLines(Path.Combine(folder, "log.jsonl")).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement.GetProperty("eval_loss").GetDouble())];
}
