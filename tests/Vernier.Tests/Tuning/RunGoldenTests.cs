using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Vernier.Data;
using Vernier.Methods.LearnedGrids;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.TestSupport;
using Vernier.Tuning;
using Xunit.Abstractions;

namespace Vernier.Tests.Tuning;

/// <summary>The runs of goldens/runs on a real model: every step's loss within 0.5 % (1 % for LoRA and for methods that round in the forward pass) and the perplexity after them within 1 % (3 % where it rounds).
/// They take a minute or more each, so only the first steps of the two smallest are tested here; <c>VERNIER_LONG=1</c> tests all, and
/// <c>VERNIER_RUN=lora</c> those of one method. The figures are in the test's output.</summary>
public class RunGoldenTests(ITestOutputHelper output)
{
    private const string Model135 = "models/SmolLM2-135M-Instruct";
    private const string Text = "data/wikitext2/wikitext2_train_5k.txt";
    private const string Test = "data/wikitext2/wiki.test.raw";
    private const int QuickSteps = 3;

    private static readonly bool s_long = Environment.GetEnvironmentVariable("VERNIER_LONG") is { Length: > 0 };
    private static readonly string? s_only = Environment.GetEnvironmentVariable("VERNIER_RUN");

    public static TheoryData<int> Trained() => new(
        All().Select((run, i) => (run, i)).Where(r => r.run.GetProperty("losses").GetArrayLength() > 0 && Options(r.run) is not null)
            .Where(r => string.IsNullOrEmpty(s_only) || r.run.GetProperty("method").GetString() == s_only)
            .OrderBy(r => r.run.GetProperty("trainable").GetInt32()).Select(r => r.i).Take(s_long ? int.MaxValue : 2));

    [SharedTheory(Model135, Text)]
    [MemberData(nameof(Trained))]
    public void Same_losses_and_perplexity(int index)
    {
        var run = All()[index];
        var options = Options(run)!;
        using var model = LanguageModel.Load(Model(), new LoadOptions { Mode = run.GetProperty("method").GetString() == "peqa_int8g32" ? ComputeMode.Int8 : ComputeMode.Fp32 });
        var data = TrainingData.Load(SharedFiles.At(Text), model, options.Rows);
        var test = s_long ? TrainingData.Load(SharedFiles.At(Test), model, options.Rows) : null;
        TuningMethods.Of(options).Apply(model.Decoder, options, model.Compute);
        model.Decoder.KeptBlocks = s_long ? model.Config.Layers : 0;
        using var loop = new TrainingLoop(model.Decoder, model.Compute, new BatchOrder(data, options.Batch, 1, null), options);
        SetStart(loop);
        if (options.Method == "l4q")
            SetPlainStart(loop, options);
        var losses = run.GetProperty("losses").EnumerateArray().Select(l => l.GetDouble()).ToArray();
        var schedule = LearningRateSchedule.Create(ScheduleKind.Linear, losses.Length, null);
        var (tolerance, endTolerance) = options.Method switch
        {
            "peqa" => (0.005, 0.01),
            "l4q" or "qat" => (0.01, 0.03), // a weight that crosses a rounding boundary in one run and not in the other changes all that follows
            _ => (0.01, 0.01),
        };
        var name = $"{run.GetProperty("method")}, {run.GetProperty("bits")} bits, group {run.GetProperty("group")}";
        if (test is not null)
            CheckPerplexity("ppl0", 0.01);
        var (worst, worstStep) = (0.0, 0);
        for (var step = 0; step < (s_long ? losses.Length : QuickSteps); step++)
        {
            var rate = options.LearningRate!.Value * schedule.Factor(step);
            var figures = loop.Step(step, rate, rate);
            var difference = Math.Abs(figures.Loss / losses[step] - 1);
            output.WriteLine($"{name}: step {step}: loss {figures.Loss:F5} (reference {losses[step]:F5}), {figures.Seconds:F1} s");
            if (difference > worst)
                (worst, worstStep) = (difference, step);
        }
        output.WriteLine($"{name}: largest relative difference of a loss {worst:P4} at step {worstStep}");
        if (test is not null)
            CheckPerplexity("ppl1", endTolerance);
        Assert.True(worst <= tolerance, $"{name}: step {worstStep}: the loss is {worst:P3} from the reference's");

        void CheckPerplexity(string property, double allowed)
        {
            var order = new BatchOrder(test, 1, 1, null);
            var perplexity = Math.Exp(Enumerable.Range(0, run.GetProperty("neval").GetInt32()).Average(window => Window(order, window)));
            var expected = run.GetProperty(property).GetDouble();
            output.WriteLine($"{name}: {property} {perplexity:F3} (reference {expected:F3})");
            Assert.True(Math.Abs(perplexity / expected - 1) <= allowed, $"{name}: {property} {perplexity:F3}, expected {expected:F3}");
        }

        double Window(BatchOrder order, int window)
        {
            var scored = order.Begin(window);
            return model.Decoder.SumNegativeLogLikelihood(model.Compute, order.MicroBatch(0)) / scored;
        }
    }

    [SharedFact(Model135, Text)]
    public void The_training_text_has_the_tokens_of_the_reference()
    {
        using var model = LanguageModel.Load(Model());
        var data = TrainingData.Load(SharedFiles.At(Text), model, new TuneOptions().Rows);
        using var tokens = JsonDocument.Parse(File.ReadAllBytes(At("tokens.json")));
        var rest = tokens.RootElement.GetProperty("train_tokens").GetInt32() % 512;
        Assert.Equal(tokens.RootElement.GetProperty("train_tokens").GetInt32() - rest, data.Tokens);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var row = 0; row < data.Rows; row++)
            hash.AppendData(MemoryMarshal.AsBytes(data.RowIds(row)));
        if (rest == 0)
            Assert.Equal(tokens.RootElement.GetProperty("train_sha256_int32le").GetString(), Convert.ToHexStringLower(hash.GetHashAndReset()));
        var batches = File.ReadLines(At("batches.jsonl")).First();
        Assert.Equal(JsonDocument.Parse(batches).RootElement.GetProperty("input_ids").EnumerateArray().Select(e => e.GetInt32()), data.RowIds(0).ToArray());
    }

    private static JsonElement[] All() => [.. JsonDocument.Parse(File.ReadAllBytes(At("runs.json"))).RootElement.EnumerateArray()];

    private static string At(string file) => Path.Combine(SharedFiles.Folders("goldens/runs").Last(), file);

    private static string Model() => Directory.EnumerateFiles(SharedFiles.At(Model135), "*.gguf").Order(StringComparer.Ordinal).First();

    /// <summary>null for runs of methods that are not there.</summary>
    private static TuneOptions? Options(JsonElement run)
    {
        var group = run.GetProperty("group").GetInt32();
        var options = new TuneOptions
        {
            Bits = run.GetProperty("bits").GetInt32() is var bits and < 16 ? bits : null,
            Group = group,
            LearningRate = run.GetProperty("lr").GetSingle(),
            Rank = run.GetProperty("r").GetInt32(),
            Alpha = run.GetProperty("alpha").GetSingle(),
            Batch = run.GetProperty("b").GetInt32(),
            Context = run.GetProperty("len").GetInt32(),
            Granularity = Granularity.Group,
            Targets = run.GetProperty("targets").GetString(),
        };
        return run.GetProperty("method").GetString() switch
        {
            "peqa" or "peqa_int8g32" => options with { Parameterize = Parameterization.Scale },
            "peqa_rel" => options,
            "peqa_q41" => options with { Bits = null },
            "peqa_sep" => options with { Granularity = Granularity.Separable },
            "lora" => options with { Method = "lora" },
            "qlora" => options with { Method = "qlora" },
            "qat" => options with { Method = "qat" },
            "qatlora" => options with { Method = "qat-lora", Targets = "all" },
            "l4q" => options with { Method = "l4q", Targets = "all" },
            _ => null,
        };
    }

    /// <summary>The reference's random start of LoRA's A.</summary>
    private static void SetStart(TrainingLoop loop)
    {
        var start = new GoldenTensors(At("lora_init.safetensors"));
        foreach (var parameter in loop.Optimizer.Parameters.Where(p => p.Name.EndsWith(".lora_A", StringComparison.Ordinal)))
        {
            var module = parameter.Name[..^".lora_A".Length];
            var parts = module.Split('.'); // model.layers.0.mlp.down_proj is layers.0.down_proj.A
            start[$"layers.{parts[2]}.{parts[^1]}.A"].Floats.CopyTo(parameter.Value.Span);
        }
        loop.ParametersChanged();
    }

    /// <summary>L4Q's start without the margin that Vernier gives it: the reference has the extreme weight of every group exactly on the clipping bound.</summary>
    private static void SetPlainStart(TrainingLoop loop, TuneOptions options)
    {
        using var untouched = LanguageModel.Load(Model());
        var scales = loop.Optimizer.Parameters.ToDictionary(p => p.Name, StringComparer.Ordinal);
        foreach (var linear in untouched.Decoder.Linears)
        {
            var scale = scales[linear.Name + ".scale"].Value.Span;
            var row = new float[linear.InFeatures];
            var groups = scale.Length / linear.OutFeatures;
            for (var i = 0; i < scale.Length; i++)
            {
                if (i % groups == 0)
                    linear.Weight.ReadTile(i / groups, 1, 0, row.Length, row, row.Length);
                var first = i % groups * options.Group;
                scale[i] = LearnedGrid.Fit(row.AsSpan(first, Math.Min(options.Group, row.Length - first)), options.Bits!.Value, GridStart.L4Q).Scale;
            }
        }
        loop.ParametersChanged();
    }
}
