using System.Text.Json;
using Vernier.Calibration;
using Vernier.Data;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tests.Tuning;
using Vernier.Tuning;

namespace Vernier.Tests;

/// <summary>Work that is cancelled ends with <see cref="OperationCanceledException"/>, and what it leaves can be gone on with.</summary>
public sealed class CancellationTests : TemporaryFolderTests
{
    private static readonly TuneOptions s_options = new() { Granularity = Granularity.Group, Steps = 6, Batch = 2, Accumulate = 2, Context = 32, LearningRate = 0.05f, EvalEvery = 2, CheckpointEvery = 100 };

    /// <summary>Stops at every call of a linear in turn: before the first step, in the forward pass and the backward pass of every micro-batch, in every validation loss.</summary>
    [Fact]
    public void A_run_that_is_stopped_anywhere_and_resumed_is_the_same_to_the_bit()
    {
        var calls = 0;
        Assert.True(Run("whole", () => calls++, default).Finished);
        var unfinished = 0;
        for (var at = 1; at <= calls; at++)
        {
            var (run, call) = ($"run-{at}", 0);
            using var cancel = new CancellationTokenSource();
            try
            {
                var stopped = Run(run, () =>
                {
                    if (++call == at)
                        cancel.Cancel();
                }, cancel.Token);
                Assert.False(stopped.Finished);
                unfinished++;
            }
            catch (OperationCanceledException)
            {
                Assert.False(Directory.Exists(At(run)) && Directory.EnumerateDirectories(At(run), "checkpoint-*").Any()); // before the first step
            }
            Assert.True(Run(run, () => { }, default).Finished);
            Assert.Equal(Lines("whole"), Lines(run));
            Assert.Equal(File.ReadAllBytes(At("whole/adapter_model.safetensors")), File.ReadAllBytes(At($"{run}/adapter_model.safetensors")));
        }
        Assert.InRange(unfinished, calls / 2, calls);
    }

    [Fact]
    public void A_run_that_is_stopped_again_and_again_gets_to_its_end()
    {
        Assert.True(Run("whole", () => { }, default).Finished);
        for (var stops = 0; ; stops++)
        {
            Assert.InRange(stops, 0, 100);
            using var cancel = new CancellationTokenSource();
            var call = 0;
            try
            {
                if (Run("parts", () =>
                {
                    if (++call == 6)
                        cancel.Cancel();
                }, cancel.Token).Finished)
                    break;
            }
            catch (OperationCanceledException)
            {
                break; // a validation loss before the first step takes more calls than that
            }
        }
        Assert.True(Run("parts", () => { }, default).Finished);
        Assert.Equal(Lines("whole"), Lines("parts"));
    }

    [Fact]
    public async Task TuneAsync_tells_and_is_cancelled_with_the_state_saved()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var data = SavedModel.Data(Temporary.Path);
        await model.TuneAsync(data, s_options, At("whole"));
        using var cancel = new CancellationTokenSource();
        var told = new Told(at =>
        {
            if (at.Step == 3)
                cancel.Cancel();
        });
        var task = model.TuneAsync(data, s_options, At("parts"), told, cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        Assert.True(task.IsCanceled);
        Assert.Equal([1, 2, 3], told.Steps);
        Assert.True(Directory.Exists(At("parts/checkpoint-3")));
        var result = await model.TuneAsync(data, s_options, At("parts"), told, resume: true);
        Assert.True(result.Finished);
        Assert.Equal(File.ReadAllBytes(At("whole/adapter_model.safetensors")), File.ReadAllBytes(At("parts/adapter_model.safetensors")));
    }

    [Fact]
    public async Task GenerateAsync_writes_the_same_is_cancelled_and_frees_what_it_holds_when_left()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var expected = model.Generate("the quick", 16);
        var text = "";
        await foreach (var token in model.GenerateAsync("the quick", 16))
            text += token.Text;
        Assert.Equal(expected, text);
        await foreach (var token in model.GenerateAsync("the quick", 1000))
            break; // left: the model is free again
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var token in model.GenerateAsync("the quick", 1000, cancel: cancel.Token))
                cancel.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => model.Generate("the quick", 16, cancel: cancel.Token));
        Assert.Equal(expected, model.Generate("the quick", 16));
    }

    [Fact]
    public void Everything_long_can_be_cancelled_and_leaves_nothing_behind()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        using var other = SavedModel.Open("folder", Temporary.Path);
        var logits = SavedModel.Logits(model);
        var (gguf, folder, data) = (At("model.gguf"), At("model"), SavedModel.Data(Temporary.Path));
        File.WriteAllText(At("text.jsonl"), "{\"text\":\"the quick\"}\n");
        File.WriteAllText(At("ids.jsonl"), "{\"ids\":[1,2,3]}\n");
        var files = Directory.EnumerateFileSystemEntries(Temporary.Path, "*", SearchOption.AllDirectories).Order().ToArray();
        var stop = new CancellationToken(canceled: true);
        Action[] calls =
        [
            () => LanguageModel.Load(gguf, cancel: stop),
            () => LanguageModel.Load(folder, cancel: stop),
            () => model.CodesSha256(stop),
            () => TrainingData.Load(data, model, s_options.Rows, stop),
            () => CalibrationData.Load(model, data, new QuantizeOptions { Samples = 1 }, 1, stop),
            () => model.Tune(data, s_options, At("run"), cancel: stop),
            () => model.ExportGguf(At("out.gguf"), stop),
            () => GgufExport.Write(model, gguf, cancel: stop),
            () => CodeComparison.Of(model, other, stop),
            () => FileInspector.Inspect(gguf, stop),
            () => FileInspector.Inspect(folder, stop),
            () => ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 3, Group = 32 }, cancel: stop),
            () => model.Generate("the", cancel: stop),
            () => { using var scorer = new DecoderScorer(model.Decoder, model.Compute, cancel: stop); scorer.Score([new ScoringRequest([1, 2, 3], 1)]).Count(); },
            () => { using var scorer = new DecoderScorer(model.Decoder, model.Compute); new ScoreFile(scorer, null, 32, 100).Run(At("ids.jsonl"), TextWriter.Null, stop: stop); },
            () => new Vernier.Tokens.TokenizeFile(model.Tokenizer!, null).Encode(At("text.jsonl"), TextWriter.Null, stop),
        ];
        foreach (var call in calls)
            Assert.Throws<OperationCanceledException>(call);
        Assert.Equal(files, Directory.EnumerateFileSystemEntries(Temporary.Path, "*", SearchOption.AllDirectories).Order());
        model.Reset();
        Assert.Equal(logits, SavedModel.Logits(model));
    }

    [Fact]
    public void A_quantization_that_was_stopped_halfway_is_taken_back()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var logits = SavedModel.Logits(model);
        using var cancel = new CancellationTokenSource();
        var done = 0;
        Assert.Throws<OperationCanceledException>(() => ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 3, Group = 32 }, progress: _ =>
        {
            if (++done == 5)
                cancel.Cancel();
        }, cancel: cancel.Token));
        Assert.NotEqual(logits, SavedModel.Logits(model));
        model.Reset();
        Assert.Equal(logits, SavedModel.Logits(model));
    }

    private TuneResult Run(string run, Action called, CancellationToken cancel)
    {
        using var compute = new Compute(1);
        using var decoder = TinyRun.Create();
        decoder.ReplaceLinears(l => l.Name.EndsWith("k_proj", StringComparison.Ordinal) ? new CalledLinear(l, called) : l);
        var options = s_options with { Method = "lora", Rank = 2 };
        return new Tuner(decoder, compute, "tiny", () => null, options, TinyRun.Data(), TinyRun.Data(rows: 5), At(run)).Run(resume: true, cancel: cancel);
    }

    private string At(string name) => Path.Combine(Temporary.Path, name);

    /// <summary>Lines without what time and memory say.</summary>
    private string[] Lines(string run) => [.. File.ReadLines(At($"{run}/log.jsonl")).Select(line => string.Join(' ',
        JsonDocument.Parse(line).RootElement.EnumerateObject().Select(f => f.Name is "seconds" or "rss_mb" ? f.Name : $"{f.Name}={f.Value.GetRawText()}")))];

    /// <summary>Tells when it is computed with.</summary>
    private sealed class CalledLinear(Linear inner, Action called) : Linear(inner.Name, inner.InFeatures, inner.OutFeatures, inner.Bias)
    {
        internal override WeightMatrix Weight => inner.Weight;

        public override void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y)
        {
            called();
            inner.Forward(compute, x, tokens, y);
        }

        public override void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate)
        {
            called();
            inner.Backward(compute, x, y, dy, tokens, dx, accumulate);
        }
    }

    private sealed class Told(Action<TuneProgress> tell) : IProgress<TuneProgress>
    {
        public List<int> Steps { get; } = [];

        public void Report(TuneProgress value)
        {
            Steps.Add(value.Step);
            tell(value);
        }
    }
}
