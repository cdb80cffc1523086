using System.Text.Json;
using Vernier.Data;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

/// <summary>Whole runs on a tiny model: the folder they leave, stopping and going on, and what stops them.</summary>
public class TunerTests
{
    private static readonly TuneOptions s_options = new() { Method = "peqa", Granularity = Granularity.Group, Bits = 4, Group = 8, Batch = 2, Steps = 8, LearningRate = 0.02f, Seed = 3 };

    [Theory]
    [InlineData(Parameterization.Factor, TrainedState.Scales, "rtn", 1e-2f)]
    [InlineData(Parameterization.Scale, TrainedState.Scales, "rtn", 4e-4f)]
    [InlineData(Parameterization.Scale, TrainedState.Both, "rtn", 4e-4f)]
    [InlineData(Parameterization.Scale, TrainedState.Zeros, "rtn", 1e-2f)]
    [InlineData(Parameterization.Factor, TrainedState.Scales, "bcq", 4e-4f)]
    [InlineData(Parameterization.Factor, TrainedState.Scales, "rtn", 5e-3f, Granularity.LowRank)]
    public void The_default_rate_fits_what_is_trained(Parameterization parameterization, TrainedState train, string scheme, float expected, Granularity granularity = Granularity.Group)
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder.Path, s_options with { Granularity = granularity, Parameterize = parameterization, Train = train, Scheme = scheme, LearningRate = null, Steps = 30 }, evalData: TinyRun.Data());
        Assert.True(result.FinalEval < result.InitialEval, $"{result.InitialEval} -> {result.FinalEval}");
        Assert.Equal(expected, RunFile.Load(folder.At("config.yaml")).Options.LearningRate);
    }

    [Fact]
    public void Low_rank_factors_lower_the_loss_and_leave_the_codes()
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder.Path, s_options with { Steps = 30, Granularity = Granularity.LowRank, Rank = 2 }, evalData: TinyRun.Data());
        Assert.True(result.FinalEval < result.InitialEval - 0.05, $"{result.InitialEval} -> {result.FinalEval}");
        Assert.True(result.CodesEqual);
    }

    [Fact]
    public void A_run_leaves_its_folder_and_lowers_the_loss()
    {
        using var folder = new TemporaryFolder();
        var result = Run(folder.Path, s_options with { Steps = 30, EvalEvery = 10 }, evalData: TinyRun.Data());
        foreach (var file in (string[])["config.yaml", "log.jsonl", "loss.svg", "README.md", "adapter_config.json", "adapter_model.safetensors", "checkpoint-30"])
            Assert.True(Path.Exists(folder.At(file)), file);
        Assert.True(result.FinalEval < result.InitialEval - 0.05, $"{result.InitialEval} -> {result.FinalEval}");
        Assert.True(result.Finished);
        Assert.True(result.CodesEqual);
        Assert.Empty(result.Warnings);
        var lines = Log(folder.Path);
        Assert.Equal(Enumerable.Range(1, 30), lines.Select(l => l.GetProperty("step").GetInt32()));
        foreach (var field in (string[])["loss", "grad_norm", "lr", "tokens", "seconds", "rss_mb"])
            Assert.All(lines, l => Assert.Equal(JsonValueKind.Number, l.GetProperty(field).ValueKind));
        Assert.Equal([10, 20, 30], lines.Where(l => l.TryGetProperty("eval_loss", out _)).Select(l => l.GetProperty("step").GetInt32()));
        Assert.Equal(s_options with { Steps = 30, EvalEvery = 10, Context = 32 }, RunFile.Load(folder.At("config.yaml")).Options);
        Assert.Equal(["checkpoint-20", "checkpoint-30"], Directory.EnumerateDirectories(folder.Path).Select(d => Path.GetFileName(d)!).Order());
        Assert.Contains("</svg>", File.ReadAllText(folder.At("loss.svg")));
        var json = JsonSerializer.SerializeToElement(result);
        foreach (var field in (string[])["step", "loss", "grad_norm", "lr", "tokens", "seconds", "rss_mb", "initial_eval", "final_eval", "codes_equal"])
            Assert.True(json.TryGetProperty(field, out _), field);
    }

    [Theory]
    [InlineData("peqa", true)]
    [InlineData("lora", true)]
    [InlineData("l4q", false)]
    [InlineData("full", true)]
    [InlineData("peqa", true, ComputeMode.Int8)]
    [InlineData("peqa", true, ComputeMode.Fp32, Granularity.LowRank)]
    public void Stopped_and_resumed_is_the_same_to_the_bit(string method, bool shuffle, ComputeMode mode = ComputeMode.Fp32, Granularity granularity = Granularity.Group)
    {
        var options = s_options with { Method = method, Granularity = granularity, Bits = method is "lora" or "full" ? null : 4, Shuffle = shuffle, Accumulate = 2, LearningRate = 0.003f };
        using var whole = new TemporaryFolder();
        using var parts = new TemporaryFolder();
        Run(whole.Path, options, mode: mode);
        Assert.False(Run(parts.Path, options with { StopAfter = 3 }, mode: mode).Finished);
        Assert.True(Run(parts.Path, options, resume: true, mode: mode).Finished);
        Assert.Equal(Losses(whole.Path), Losses(parts.Path));
        Assert.Equal(File.ReadAllBytes(whole.At("adapter_model.safetensors")), File.ReadAllBytes(parts.At("adapter_model.safetensors")));
    }

    [Fact]
    public void A_kill_while_a_checkpoint_is_written_costs_only_the_steps_since_the_last_one()
    {
        using var whole = new TemporaryFolder();
        using var killed = new TemporaryFolder();
        Run(whole.Path, s_options);
        Run(killed.Path, s_options with { StopAfter = 5, CheckpointEvery = 3 });
        // As a kill leaves it: the newest checkpoint under its working name and cut short, the log further than the one before.
        var unfinished = $"checkpoint-5.{int.MaxValue}-{Guid.NewGuid():N}.tmp";
        Directory.Move(killed.At("checkpoint-5"), killed.At(unfinished));
        using (var cut = File.OpenWrite(killed.At(unfinished + "/parameters.safetensors")))
            cut.SetLength(100);
        File.Delete(killed.At("adapter_model.safetensors"));
        File.WriteAllText(killed.At($"adapter_model.safetensors.{int.MaxValue}-{Guid.NewGuid():N}.tmp"), "half");
        Run(killed.Path, s_options with { CheckpointEvery = 3 }, resume: true);
        Assert.Empty(Directory.EnumerateFileSystemEntries(killed.Path, "*.tmp"));
        Assert.Equal(Losses(whole.Path), Losses(killed.Path));
        Assert.Equal(File.ReadAllBytes(whole.At("adapter_model.safetensors")), File.ReadAllBytes(killed.At("adapter_model.safetensors")));
    }

    [Fact]
    public void A_damaged_checkpoint_is_passed_over()
    {
        using var whole = new TemporaryFolder();
        using var damaged = new TemporaryFolder();
        Run(whole.Path, s_options);
        Run(damaged.Path, s_options with { StopAfter = 5, CheckpointEvery = 3 });
        using (var cut = File.OpenWrite(damaged.At("checkpoint-5/optimizer.safetensors")))
            cut.SetLength(200);
        Run(damaged.Path, s_options, resume: true);
        Assert.Equal(Losses(whole.Path), Losses(damaged.Path));
    }

    [Fact]
    public void Cancelling_ends_after_the_step_with_a_checkpoint()
    {
        using var whole = new TemporaryFolder();
        using var folder = new TemporaryFolder();
        using var cancel = new CancellationTokenSource();
        Run(whole.Path, s_options);
        var result = Run(folder.Path, s_options, progress: at =>
        {
            if (at.Step == 4)
                cancel.Cancel();
        }, cancel: cancel.Token);
        Assert.Equal(4, result.Step);
        Assert.False(result.Finished);
        Assert.True(Directory.Exists(folder.At("checkpoint-4")));
        Run(folder.Path, s_options, resume: true);
        Assert.Equal(Losses(whole.Path), Losses(folder.Path));
    }

    [Fact]
    public void Another_run_is_not_resumed()
    {
        using var folder = new TemporaryFolder();
        Run(folder.Path, s_options with { StopAfter = 2 });
        var options = Assert.Throws<InvalidDataException>(() => Run(folder.Path, s_options with { LearningRate = 0.5f }, resume: true));
        Assert.Contains("lr was 0.02 and is 0.5", options.Message);
        var data = Assert.Throws<InvalidDataException>(() => Run(folder.Path, s_options, resume: true, data: TinyRun.Data(rows: 5)));
        Assert.Contains("the data are not the same", data.Message);
        var model = Assert.Throws<InvalidDataException>(() => Run(folder.Path, s_options, resume: true, modelSeed: 2));
        Assert.Contains("the model is not the same", model.Message);
    }

    [Fact]
    public void An_unfinished_run_is_not_overwritten()
    {
        using var folder = new TemporaryFolder();
        Run(folder.Path, s_options with { StopAfter = 2 });
        Assert.Contains("step 2 of 8", Assert.Throws<IOException>(() => Run(folder.Path, s_options)).Message);
    }

    [Fact]
    public void Divergence_stops_the_run_and_keeps_the_last_good_state()
    {
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<NotFiniteNumberException>(() => Run(folder.Path, s_options with { Method = "full", Bits = null, LearningRate = 1e30f, CheckpointEvery = 1 }));
        Assert.Contains("step 2", e.Message);
        var adapter = Vernier.Adapters.Adapter.Load(folder.Path);
        Assert.All(adapter.Tensors.Values, t => Assert.All(t.Values, v => Assert.True(Math.Abs(v) < 10)));
        Assert.False(Directory.Exists(folder.At("checkpoint-1")));
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_leaves_the_last_good_one()
    {
        using var folder = new TemporaryFolder();
        folder.Write("checkpoint-6", "a file where a folder must be made");
        var e = Assert.Throws<IOException>(() => Run(folder.Path, s_options with { CheckpointEvery = 3 }));
        Assert.Contains("checkpoint-6", e.Message);
        Assert.Contains("the last good one is checkpoint-3", e.Message);
        File.Delete(folder.At("checkpoint-6"));
        using var whole = new TemporaryFolder();
        Run(whole.Path, s_options);
        Run(folder.Path, s_options, resume: true);
        Assert.Equal(Losses(whole.Path), Losses(folder.Path));
    }

    [Fact]
    public void Tuning_that_made_it_worse_is_said_loudly()
    {
        using var folder = new TemporaryFolder();
        var other = TrainingData.FromSequences([[.. Enumerable.Range(0, 20).Select(t => 47 - t % 3)]], "other rows", TinyRun.Config);
        var result = Run(folder.Path, s_options with { Method = "full", Bits = null, LearningRate = 0.3f, Steps = 20 }, evalData: other);
        Assert.True(result.FinalEval > result.InitialEval);
        Assert.Contains(result.Warnings, w => w.Contains("WORSE"));
        Assert.Contains("WORSE", File.ReadAllText(folder.At("README.md")));
    }

    [Fact]
    public void A_memory_limit_that_was_not_kept_is_said()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(Run(folder.Path, s_options with { MemoryLimit = 1_000_000 }).Warnings, w => w.Contains("memory limit of 1 MB"));
        using var other = new TemporaryFolder();
        Assert.Empty(Run(other.Path, s_options with { MemoryLimit = 1L << 50 }).Warnings);
    }

    [Fact]
    public void Accumulated_micro_batches_are_one_large_batch()
    {
        using var large = new TemporaryFolder();
        using var small = new TemporaryFolder();
        Run(large.Path, s_options with { Batch = 6, Shuffle = false });
        Run(small.Path, s_options with { Batch = 2, Accumulate = 3, Shuffle = false });
        Assert.Equal(Losses(large.Path).Length, Losses(small.Path).Length);
        foreach (var (a, b) in Losses(large.Path).Zip(Losses(small.Path)))
            Assert.Equal(a, b, 1e-4);
    }

    [Fact]
    public void Integer_training_follows_the_losses_of_fp32_and_its_seed()
    {
        var options = s_options with { Bits = 4, Group = 0, Granularity = Granularity.Channel };
        using var fp32 = new TemporaryFolder();
        using var first = new TemporaryFolder();
        using var again = new TemporaryFolder();
        using var other = new TemporaryFolder();
        Run(fp32.Path, options);
        Run(first.Path, options, mode: ComputeMode.Int8);
        Run(again.Path, options, mode: ComputeMode.Int8, threads: 2);
        Run(other.Path, options with { Seed = options.Seed + 1, Shuffle = false }, mode: ComputeMode.Int8);
        foreach (var (a, b) in Losses(fp32.Path).Zip(Losses(first.Path)))
            Assert.Equal(1, b / a, 0.01);
        Assert.NotEqual(Losses(fp32.Path), Losses(first.Path));
        Assert.Equal(Losses(first.Path), Losses(again.Path));
        Assert.NotEqual(Losses(first.Path), Losses(other.Path));
    }

    [Theory]
    [InlineData(Granularity.Channel, ComputeMode.Fp32)]
    [InlineData(Granularity.Channel, ComputeMode.Int8)]
    [InlineData(Granularity.Separable, ComputeMode.Fp32)]
    [InlineData(Granularity.Separable, ComputeMode.Int8)]
    [InlineData(Granularity.Group, ComputeMode.Fp32)]
    [InlineData(Granularity.LowRank, ComputeMode.Fp32)]
    public void A_step_allocates_nothing(Granularity granularity, ComputeMode mode)
    {
        using var compute = new Compute(1, mode);
        using var decoder = TinyRun.Create();
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Apply(decoder, s_options with { Granularity = granularity }, compute);
        using var loop = new TrainingLoop(decoder, compute, new BatchOrder(TinyRun.Data(6, 12), 2, 1, 5), s_options);
        for (var step = 0; step < 60; step++) // every batch size has been seen, every method compiled
            loop.Step(step, 1e-3, 1e-3);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var step = 0; step < 6; step++)
            loop.Step(step, 1e-3, 1e-3);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static TuneResult Run(string folder, TuneOptions options, bool resume = false, TrainingData? data = null, TrainingData? evalData = null,
        int modelSeed = 1, Action<TuneProgress>? progress = null, CancellationToken cancel = default, ComputeMode mode = ComputeMode.Fp32, int threads = 1)
    {
        using var compute = new Compute(threads, mode);
        using var decoder = TinyRun.Create(modelSeed);
        var tuner = new Tuner(decoder, compute, "tiny", () => TinyCodes.Of(decoder), options, data ?? TinyRun.Data(), evalData, folder);
        return tuner.Run(resume, progress, cancel);
    }

    private static JsonElement[] Log(string folder) =>
        [.. File.ReadLines(Path.Combine(folder, "log.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)];

    private static double[] Losses(string folder) => [.. Log(folder).Select(l => l.GetProperty("loss").GetDouble())];
}
