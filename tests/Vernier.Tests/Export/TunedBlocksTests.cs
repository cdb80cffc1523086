using Vernier.Data;
using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Inspection;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Export;

/// <summary>A model in blocks of any format is tuned, exported and is the same file but for its fp16 scales.</summary>
public sealed class TunedBlocksTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-blocks-").FullName;

    public static TheoryData<string> Formats => [.. BlockFormats.All.Where(f => f.Codes is { Storage: ScaleStorage.Half }).Select(f => f.Name)];

    public static TheoryData<string> Unmovable => [.. BlockFormats.All.Where(f => f.Codes is { Storage: not ScaleStorage.Half }).Select(f => f.Name)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Formats))]
    public void TheDefaultTuneComesBackAsTheSameFile(string format) =>
        TuneAndCompare(IsLinear, _ => format, new TuneOptions());

    [Theory]
    [InlineData(Granularity.Channel)]
    [InlineData(Granularity.Separable)]
    [InlineData(Granularity.Group)]
    [InlineData(Granularity.LowRank)]
    public void AMixedFileIsTunedAsAWhole(Granularity granularity) =>
        TuneAndCompare(IsLinear, Mixture, new TuneOptions { Granularity = granularity });

    [Fact]
    public void AFactorForEveryGroupOfASuperBlockIsTunedOnlyWhenAskedForAndNotExported()
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? "Q4_K" : null);
        var run = Path.Combine(_folder, "run");
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        Tune(model, new TuneOptions { Granularity = Granularity.Group, AllowUnexportable = true }, run);
        Assert.Equal(16, Vernier.Adapters.Adapter.Load(run).Tensors["model.layers.0.mlp.down_proj.factor"].Shape[1]);
        model.Apply(run);
        var refusal = Assert.Throws<NotSupportedException>(() => GgufExport.Write(model, Path.Combine(_folder, "out.gguf")));
        Assert.Contains("--allow-unexportable", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnOlderAdapterOfEveryGroupStillApplies()
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? "Q6_K" : null);
        var run = Path.Combine(_folder, "run");
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        Tune(model, new TuneOptions { Granularity = Granularity.Separable, AllowUnexportable = true }, run);
        var tuned = SavedLoss(model);
        var config = Path.Combine(run, "vernier.json");
        var lines = File.ReadAllLines(config);
        Assert.Contains(lines, l => l.Contains("allow-unexportable", StringComparison.Ordinal));
        File.WriteAllLines(config, lines.Where(l => !l.Contains("allow-unexportable", StringComparison.Ordinal))); // as versions before wrote it
        using var again = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        again.Apply(run);
        Assert.Equal(tuned, SavedLoss(again));
    }

    [Theory]
    [MemberData(nameof(Unmovable))]
    public void ScalesWithoutFinerFactorsAreRefusedBeforeTheRun(string format)
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? format : null);
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        var refusal = Assert.Throws<NotSupportedException>(() => Tune(model, new TuneOptions(), Path.Combine(_folder, "run")));
        Assert.Contains(format, refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "run")));
        Tune(model, new TuneOptions { AllowUnexportable = true }, Path.Combine(_folder, "run"));
    }

    [Theory]
    [InlineData("Q4_K", TrainedState.Zeros, Parameterization.Factor, "--train scales")]
    [InlineData("Q8_0", TrainedState.Both, Parameterization.Factor, "--train scales")]
    [InlineData("Q6_K", TrainedState.Scales, Parameterization.Scale, "--parameterize factor")]
    public void WhatABlockCannotTakeBackIsRefusedBeforeTheRun(string format, TrainedState train, Parameterization parameterization, string takes)
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? format : null);
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        var refusal = Assert.Throws<NotSupportedException>(() => Tune(model, new TuneOptions { Granularity = Granularity.Group, Train = train, Parameterize = parameterization }, Path.Combine(_folder, "run")));
        Assert.Contains(takes, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AKQuantIsQuantizedAnewIntoOtherBlocks()
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? "Q4_K" : null);
        var (run, target) = (Path.Combine(_folder, "run"), Path.Combine(_folder, "out.gguf"));
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        Tune(model, new TuneOptions { Bits = 4, Group = 32 }, run);
        model.Apply(run);
        GgufExport.Write(model, target);
        using var file = GgufFile.Open(target);
        Assert.Equal("Q4_1", file.Get("blk.0.attn_q.weight").Format.Name);
    }

    [Theory]
    [InlineData(Granularity.Separable)]
    [InlineData(Granularity.Group)]
    [InlineData(Granularity.LowRank)]
    public void ATiedHeadIsTunedAsTableAndHeadAlike(Granularity granularity) =>
        Assert.Contains("model.embed_tokens.", TuneAndCompare(_ => true, _ => "Q6_K", new TuneOptions { Granularity = granularity, TuneHead = true }), StringComparison.Ordinal);

    [Fact]
    public void TheHeadAloneIsTunedWhereTheModelHasOne()
    {
        var tensors = TuneAndCompare(_ => true, name => name.StartsWith("token", StringComparison.Ordinal) ? "Q4_K" : "Q6_K", new TuneOptions { TuneHead = true }, tiedHead: false);
        Assert.Contains("lm_head.row_factor", tensors, StringComparison.Ordinal);
        Assert.DoesNotContain("embed_tokens", tensors, StringComparison.Ordinal);
    }

    [Fact]
    public void AnExpressionChoosesLinearsAndTables()
    {
        var tensors = TuneAndCompare(_ => true, Mixture, new TuneOptions { Targets = "down_proj|embed_tokens|lm_head" }, tiedHead: false);
        Assert.Contains("lm_head.", tensors, StringComparison.Ordinal);
        Assert.Contains("model.embed_tokens.", tensors, StringComparison.Ordinal);
        Assert.DoesNotContain("q_proj", tensors, StringComparison.Ordinal);
    }

    [Fact]
    public void NothingButTheHeadMayBeTuned() =>
        Assert.DoesNotContain("model.layers", TuneAndCompare(_ => true, Mixture, new TuneOptions { Targets = "lm_head" }, tiedHead: false), StringComparison.Ordinal);

    [Theory]
    [InlineData(null)]
    [InlineData("Q8_0")]
    public void AHeadOfEightBitsOrMoreIsLeft(string? format)
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? "Q4_K" : format);
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        var refusal = Assert.Throws<ArgumentException>(() => Tune(model, new TuneOptions { TuneHead = true }, Path.Combine(_folder, "run")));
        Assert.Contains("below 8 bits", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATunedHeadIsTakenBackAndIsNoTask()
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), _ => "Q5_0");
        var run = Path.Combine(_folder, "run");
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        var before = SavedLoss(model);
        Tune(model, new TuneOptions { TuneHead = true }, run);
        Assert.NotEqual(before, SavedLoss(model), 1e-3);
        model.Reset();
        Assert.Equal(before, SavedLoss(model));
        using var tasks = new Vernier.Adapters.TaskSwitch(model);
        Assert.Contains("embed_tokens", Assert.Throws<NotSupportedException>(() => tasks.Add("a", Vernier.Adapters.Adapter.Load(run))).Message, StringComparison.Ordinal);
    }

    /// <summary>The loss' change with each factor of table and head, by differences: what comes from the loss and what comes from the tokens looked up.</summary>
    [Theory]
    [InlineData(Granularity.Channel, true)]
    [InlineData(Granularity.Separable, true)]
    [InlineData(Granularity.Group, false)]
    [InlineData(Granularity.LowRank, true)]
    [InlineData(Granularity.LowRank, false)]
    public void GradientsOfTablesMatchDifferences(Granularity granularity, bool tiedHead)
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => IsLinear(name) ? null : "Q4_0", tiedHead: tiedHead);
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 2 });
        TuningMethods.Of(new TuneOptions()).Apply(model.Decoder, new TuneOptions { Granularity = granularity, Targets = "embed_tokens|lm_head" }, model.Compute);
        int[] ids = [.. Enumerable.Range(0, 20).Select(t => t * t % BlockModel.Vocabulary)];
        var batch = new TokenBatch(ids, [0, ids.Length], [.. ids.Select((_, t) => t + 1 < ids.Length ? ids[t + 1] : TokenBatch.NoTarget)]);
        model.Decoder.Accumulate(model.Compute, batch, 1);
        foreach (var parameter in model.Decoder.Parameters)
            for (var i = 0; i < parameter.Value.Length; i += 1 + (int)parameter.Value.Length / 7)
                AssertSlope(model, batch, parameter, i);
    }

    // A symmetric difference in fp32: the loss of 19 tokens, about 70, has seven digits, so a step of 1/64 shows a slope to some 1e-3, and its curvature adds as much.
    private static void AssertSlope(LanguageModel model, TokenBatch batch, Parameter parameter, int i)
    {
        const float Step = 1 / 64f;
        var start = parameter.Value.Span[i];
        var slope = (Loss(start + Step) - Loss(start - Step)) / (2 * Step);
        Loss(start);
        var gradient = parameter.Gradient.Span[i];
        Assert.True(Math.Abs(slope - gradient) < 5e-3 + 0.02 * Math.Abs(slope), $"{parameter.Name}[{i}]: gradient {gradient}, by differences {slope}");

        double Loss(float value)
        {
            parameter.Value.Span[i] = value;
            foreach (var linear in model.Decoder.AllLinears)
                linear.ParametersChanged();
            return model.Decoder.SumNegativeLogLikelihood(model.Compute, batch);
        }
    }

    // Returns the adapter's tensors.
    private string TuneAndCompare(Func<string, bool> isBlocks, Func<string, string> format, TuneOptions options, bool tiedHead = true)
    {
        var path = BlockModel.Write(Path.Combine(_folder, "model.gguf"), name => isBlocks(name) ? format(name) : null, tiedHead: tiedHead);
        var (run, target) = (Path.Combine(_folder, "run"), Path.Combine(_folder, "out.gguf"));
        using (var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 }))
            Assert.True(Tune(model, options, run).CodesEqual);
        using var before = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        using var adapted = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        adapted.Apply(run);
        GgufExport.Write(adapted, target);
        using var exported = LanguageModel.Load(target, new LoadOptions { Threads = 1 });
        var comparison = CodeComparison.Of(before, exported);
        Assert.True(comparison.CodesEqual);
        Assert.Equal(before.CodesSha256(), exported.CodesSha256());
        Assert.InRange(comparison.MaxRelativeChange, 0.01, 1); // it was tuned
        AssertSameButForScales(path, target);
        // What is asked of an export: 0.1 % of perplexity. Scales are rounded to eleven binary digits.
        Assert.Equal(Math.Exp(SavedLoss(adapted)), Math.Exp(SavedLoss(exported)), 1e-3 * Math.Exp(SavedLoss(adapted)));
        Assert.NotEqual(SavedLoss(before), SavedLoss(exported), 1e-3);
        return string.Join(' ', Vernier.Adapters.Adapter.Load(run).Tensors.Keys);
    }

    private static void AssertSameButForScales(string source, string target)
    {
        using var a = GgufFile.Open(source);
        using var b = GgufFile.Open(target);
        Assert.Equal(a.Tensors.Select(t => (t.Name, t.Format, t.Elements)), b.Tensors.Select(t => (t.Name, t.Format, t.Elements)));
        foreach (var tensor in a.Tensors)
        {
            var (before, after) = (a.Bytes(tensor).ToArray(), b.Bytes(b.Get(tensor.Name)).ToArray());
            for (var block = 0; block < before.Length; block += tensor.Format.BlockBytes)
            {
                foreach (var at in tensor.Format.Codes?.HalfScales ?? [])
                    before.AsSpan(block + at, 2).CopyTo(after.AsSpan(block + at));
                for (var at = 49; at < 56 && tensor.Format.Name == "IQ1_M"; at += 2) // four bits of the scale on top of each word
                    after[block + at] = (byte)(after[block + at] & 15 | before[block + at] & 240);
            }
            Assert.Equal(before, after);
        }
    }

    private static TuneResult Tune(LanguageModel model, TuneOptions options, string run) =>
        new Tuner(model, options with { Steps = 6, Batch = 2, Context = 24, LearningRate = 0.03f }, Data(model), null, run).Run();

    private static double SavedLoss(LanguageModel model) => DataLoss.Of(model.Decoder, model.Compute, Data(model), 2, null);

    private static TrainingData Data(LanguageModel model) => TrainingData.FromSequences(
        Enumerable.Range(0, 6).Select(r => Enumerable.Range(0, 24).Select(t => (r * 5 + t * (r % 2 + 1)) % BlockModel.Vocabulary).ToArray()), "rows", model.Config);

    private static bool IsLinear(string name) => name.StartsWith("blk.", StringComparison.Ordinal);

    // As Q4_K_M is: finer formats for some tensors, and fall-backs of 32 columns.
    private static string Mixture(string name) => name switch
    {
        _ when name.Contains("attn_v", StringComparison.Ordinal) => "Q6_K",
        _ when name.Contains("ffn_down", StringComparison.Ordinal) => "Q5_0",
        _ when name.Contains("attn_k", StringComparison.Ordinal) => "Q8_0",
        _ => "Q4_K",
    };
}
