using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Vernier.Adapters;
using Vernier.Inspection;
using Vernier.Tuning;

namespace Vernier.Tests.Methods;

/// <summary>A method that the library does not know does all that its own do: scales and zero points tuned in turns.</summary>
public sealed class OutsideMethodTests : TemporaryFolderTests
{
    private static readonly TuneOptions s_options = new() { Method = "in-turns", Steps = 6, Context = 24, Seed = 3, Shuffle = false };

    /// <summary>Before the first test, so that every test sees the same list.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Nobody uses this assembly as a library.")]
    internal static void Register() => TuningMethods.Register(() => new InTurns());

    [Fact]
    public void Options_take_its_name_and_the_plan_counts_what_it_trains()
    {
        s_options.Checked();
        Assert.Contains("in-turns", TuningMethods.Names);
        Assert.Contains("in-turns", Assert.Throws<ArgumentException>(() => (s_options with { Method = "in-turn" }).Checked()).Message);
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var plan = TuningPlan.For(ModelOutline.Read(Path.Combine(Temporary.Path, "model.gguf")), s_options);
        Assert.Equal(Tune(model, s_options, "run").TrainableParameters, plan.TrainableParameters);
    }

    [Fact]
    public void A_name_is_registered_once() =>
        Assert.Contains("in-turns", Assert.Throws<ArgumentException>(() => TuningMethods.Register(() => new InTurns())).Message);

    [Fact]
    public void Each_step_changes_what_is_its_turn()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var start = Tensors(model, steps: 1);
        var (factors, zeros) = (start.Where(t => t.Name.EndsWith(".factor", StringComparison.Ordinal)).ToList(), start.Where(t => t.Name.EndsWith(".zero", StringComparison.Ordinal)).ToList());
        Assert.Equal(start.Count, factors.Count + zeros.Count);
        Assert.All(factors, t => Assert.Contains(t.Values, v => v != 1));
        var second = Tensors(model, steps: 2).ToDictionary(t => t.Name);
        Assert.All(factors, t => Assert.Equal(t.Values, second[t.Name].Values));
        Assert.All(zeros, t => Assert.NotEqual(t.Values, second[t.Name].Values));
        var third = Tensors(model, steps: 3).ToDictionary(t => t.Name);
        Assert.All(factors, t => Assert.NotEqual(t.Values, third[t.Name].Values));
        Assert.All(zeros, t => Assert.Equal(second[t.Name].Values, third[t.Name].Values));
    }

    [Fact]
    public void The_first_step_of_each_is_as_long_as_the_rate()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var first = Tensors(model, steps: 1, rate: 1e-3f).Where(t => t.Name.EndsWith(".zero", StringComparison.Ordinal)).ToDictionary(t => t.Name);
        var moved = Tensors(model, steps: 2, rate: 1e-3f).Where(t => first.ContainsKey(t.Name)).SelectMany(t => t.Values.Zip(first[t.Name].Values, (a, b) => Math.Abs(a - b))).ToList();
        Assert.Equal(1e-3f, moved.Max(), 1e-5f); // Adam's first step, whichever step of the run it is
    }

    [Fact]
    public void A_run_that_was_stopped_between_turns_ends_in_the_same_bits()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        Tune(model, s_options, "whole");
        Tune(model, s_options with { StopAfter = 3 }, "parts");
        model.Tune(SavedModel.Data(Temporary.Path), s_options, Path.Combine(Temporary.Path, "parts"), resume: true);
        Assert.Equal(Bytes("whole"), Bytes("parts"));

        byte[] Bytes(string run) => File.ReadAllBytes(Path.Combine(Temporary.Path, run, "adapter_model.safetensors"));
    }

    [Fact]
    public void It_is_inspected_loaded_merged_and_exported()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var untuned = SavedModel.Logits(model);
        var run = Tune(model, s_options, "run");
        Assert.True(run.CodesEqual);
        var summary = RunSummary.Read(Path.Combine(Temporary.Path, "run"));
        Assert.Equal(("in-turns", "finished", run.TrainableParameters), (summary.Method, summary.Status, summary.TrainableParameters));

        var tuned = SavedModel.Logits(model);
        Assert.NotEqual(untuned, tuned);
        using var other = SavedModel.Open("gguf", Temporary.Path);
        var adapter = Adapter.Load(Path.Combine(Temporary.Path, "run"));
        adapter.ApplyTo(other);
        Assert.Equal(tuned, SavedModel.Logits(other));
        adapter.Merge(other);
        Assert.Equal(tuned, SavedModel.Logits(other));

        var exported = Path.Combine(Temporary.Path, "tuned.gguf");
        other.ExportGguf(exported);
        using var opened = LanguageModel.Load(exported, new LoadOptions { Threads = 1 });
        Assert.Equal(model.CodesSha256(), opened.CodesSha256());
        Models.Close.AssertRelative(tuned, SavedModel.Logits(opened), 2e-3, "scales in fp16"); // as the blocks have them
    }

    [Fact]
    public void Its_adapters_are_switched_and_interpolated()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        Tune(model, s_options, "a");
        var tuned = SavedModel.Logits(model);
        Tune(model, s_options with { LearningRate = 2e-2f }, "b");
        model.Reset();
        var (a, b) = (Adapter.Load(Path.Combine(Temporary.Path, "a")), Adapter.Load(Path.Combine(Temporary.Path, "b")));
        using (var tasks = new TaskSwitch(model))
        {
            tasks.Add("a", a);
            tasks.Activate("a");
            Assert.Equal(tuned, SavedModel.Logits(model));
        }
        var between = AdapterInterpolation.Of(a, b, 0.5);
        Assert.All(between.Tensors.Values, t =>
        {
            var (x, y) = (a.Tensors[t.Name].Values[0], b.Tensors[t.Name].Values[0]);
            Assert.Equal(t.Name.EndsWith(".zero", StringComparison.Ordinal) ? (x + y) / 2 : MathF.Sqrt(x * y), t.Values[0], 1e-5f);
        });
    }

    private TuneResult Tune(LanguageModel model, TuneOptions options, string run) => model.Tune(SavedModel.Data(Temporary.Path), options, Path.Combine(Temporary.Path, run));

    /// <summary>What so many steps of one planned run make.</summary>
    private List<AdapterTensor> Tensors(LanguageModel model, int steps, float? rate = null)
    {
        Tune(model, s_options with { StopAfter = steps, LearningRate = rate, Schedule = ScheduleKind.Constant, Warmup = 0 }, $"steps-{steps}-{rate}");
        return [.. TuningMethods.Of(s_options).AdapterTensors(model.Decoder)];
    }
}
