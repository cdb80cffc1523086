using Vernier.Adapters;
using Vernier.Tuning;

namespace Vernier.Tests;

/// <summary>What tuning and adapters start from, and the way back to it.</summary>
public sealed class BaseTests : TemporaryFolderTests
{
    private static readonly Dictionary<string, TuneOptions> s_methods = new()
    {
        ["channel"] = new() { Granularity = Granularity.Channel },
        ["separable"] = new() { Granularity = Granularity.Separable },
        ["low-rank"] = new() { Granularity = Granularity.LowRank, Rank = 2 },
        ["group"] = new() { Granularity = Granularity.Group },
        ["scale"] = new() { Granularity = Granularity.Group, Parameterize = Parameterization.Scale, Train = TrainedState.Both, LearningRate = 1e-3f },
        ["3 bits"] = new() { Granularity = Granularity.Group, Bits = 3, Group = 32 },
        ["bcq"] = new() { Granularity = Granularity.Group, Bits = 3, Group = 32, Scheme = "bcq", LearningRate = 1e-3f },
        ["lora"] = new() { Method = "lora", Rank = 2, Targets = "all" },
        ["l4q"] = new() { Method = "l4q", Rank = 2, LearningRate = 1e-3f },
        ["qlora 3 bits"] = new() { Method = "qlora", Rank = 2, Bits = 3, Group = 32 },
        ["qa-lora"] = new() { Method = "qa-lora", Rank = 2 },
        ["qat-lora"] = new() { Method = "qat-lora", Rank = 2, LearningRate = 1e-3f },
        ["qat"] = new() { Method = "qat", LearningRate = 1e-3f },
        ["full"] = new() { Method = "full", Scope = TuneScope.All, LearningRate = 1e-3f },
    };

    public static TheoryData<string, string> EveryMethod
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var kind in SavedModel.Kinds)
                foreach (var method in s_methods.Keys)
                    rows.Add(kind, method);
            return rows;
        }
    }

    public static TheoryData<string, string, string> Pairs
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var kind in SavedModel.Kinds)
                foreach (var first in s_methods.Keys)
                    foreach (var second in kind == "gguf" ? (string[])["separable", "group", "3 bits", "lora", "l4q", "full"] : ["group", "3 bits", "l4q"])
                        rows.Add(kind, first, second);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(EveryMethod))]
    public void Reset_brings_the_base_back_to_the_bit(string kind, string method)
    {
        using var model = SavedModel.Open(kind, Temporary.Path);
        var (logits, weights) = (SavedModel.Logits(model), Weights(model));
        var run = Tune(model, method, "run");
        Assert.NotEqual(logits, SavedModel.Logits(model));
        model.Reset();
        AssertBase();
        var adapter = Adapter.Load(run);
        adapter.ApplyTo(model);
        adapter.Merge(model);
        Assert.NotEqual(logits, SavedModel.Logits(model));
        model.Reset();
        AssertBase();

        void AssertBase()
        {
            Assert.Equal(logits, SavedModel.Logits(model));
            Assert.Equal(weights, Weights(model));
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void The_second_starts_from_the_base(string kind, string first, string second)
    {
        using var fresh = SavedModel.Open(kind, Temporary.Path);
        var expected = Tune(fresh, second, "expected", shift: 7);
        var (logits, bytes) = (SavedModel.Logits(fresh), AdapterBytes(expected));
        using var model = SavedModel.Open(kind, Temporary.Path);
        var before = SavedModel.Logits(model);
        var other = Tune(model, first, "first");

        // Tune after Tune; the adapter makes the same of the base.
        var run = Tune(model, second, "second", shift: 7);
        Assert.Equal(logits, SavedModel.Logits(model));
        Assert.Equal(bytes, AdapterBytes(run));
        using var applied = SavedModel.Open(kind, Temporary.Path);
        applied.Apply(run);
        Assert.Equal(logits, SavedModel.Logits(applied));

        // Apply after Apply, and after a merge.
        model.Apply(other);
        Adapter.Load(other).Merge(model);
        model.Apply(run);
        Assert.Equal(logits, SavedModel.Logits(model));
        model.Apply(other);
        model.Apply(run);
        Assert.Equal(logits, SavedModel.Logits(model));

        // Tune after Apply, Apply after Tune.
        model.Apply(other);
        Assert.Equal(bytes, AdapterBytes(Tune(model, second, "third", shift: 7)));
        model.Apply(run);
        Assert.Equal(logits, SavedModel.Logits(model));
        model.Reset();
        Assert.Equal(before, SavedModel.Logits(model));
    }

    [Fact]
    public void An_adapter_that_does_not_fit_leaves_the_base()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var logits = SavedModel.Logits(model);
        var run = Tune(model, "group", "run");
        var adapter = Adapter.Load(run);
        var damaged = new Adapter(adapter.Config, adapter.Tensors.Skip(1).ToDictionary(t => t.Key, t => t.Value));
        Assert.Throws<InvalidDataException>(() => damaged.ApplyTo(model));
        Assert.Equal(logits, SavedModel.Logits(model));
    }

    [Fact]
    public void A_new_base_is_what_tuning_starts_from()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var adapter = Adapter.Load(Tune(model, "channel", "first"));
        adapter.ApplyTo(model);
        adapter.Merge(model);
        model.MakeBase();
        var logits = SavedModel.Logits(model);
        Tune(model, "group", "second");
        Assert.NotEqual(logits, SavedModel.Logits(model));
        model.Reset();
        Assert.Equal(logits, SavedModel.Logits(model));
    }

    [Fact]
    public void A_folder_that_changed_is_no_base()
    {
        using var model = SavedModel.Open("folder", Temporary.Path);
        Tune(model, "group", "run");
        var weights = Path.Combine(Temporary.Path, "model", "model.safetensors");
        File.SetLastWriteTimeUtc(weights, File.GetLastWriteTimeUtc(weights).AddMinutes(1));
        Assert.Contains("changed since", Assert.Throws<IOException>(model.Reset).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_switch_keeps_the_base_in_place()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var run = Tune(model, "group", "run");
        model.Reset();
        var before = SavedModel.Logits(model);
        using (var tasks = new TaskSwitch(model))
        {
            tasks.Add("one", Adapter.Load(run));
            Assert.Throws<InvalidOperationException>(() => model.Apply(run));
            Assert.Throws<InvalidOperationException>(model.Reset);
            Assert.Throws<InvalidOperationException>(model.MakeBase);
        }
        Assert.Equal(before, SavedModel.Logits(model));
        model.Apply(run);
        model.Reset();
        Assert.Equal(before, SavedModel.Logits(model));
    }

    [Fact]
    public void A_generator_forgets_what_another_model_state_made()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var run = Tune(model, "full", "run");
        model.Reset();
        using var generator = new Vernier.Generation.TokenGenerator(model);
        int[] prompt = [1, 2, 3, 4, 5, 6, 7, 8];
        var options = new Vernier.Generation.GenerationOptions { MaxTokens = 12, StopIds = [] };
        _ = generator.Generate(prompt, options).Count();
        model.Apply(run);
        using var fresh = new Vernier.Generation.TokenGenerator(model);
        Assert.Equal(fresh.Generate(prompt, options), generator.Generate(prompt, options));
    }

    private string Tune(LanguageModel model, string method, string run, int shift = 0)
    {
        var folder = Path.Combine(Temporary.Path, run);
        var options = s_methods[method] with { Steps = 2, Batch = 2, Context = 32 };
        if (options.LearningRate is null)
            options = options with { LearningRate = 0.05f };
        model.Tune(SavedModel.Data(Temporary.Path, shift), options, folder);
        return folder;
    }

    private static byte[] AdapterBytes(string run) => File.ReadAllBytes(Path.Combine(run, "adapter_model.safetensors"));

    private static List<float> Weights(LanguageModel model) =>
        [.. model.Decoder.Weights().SelectMany(w => w.Matrix is { } matrix ? matrix.ToArray() : w.Vector!.Value.Span.ToArray())];
}
