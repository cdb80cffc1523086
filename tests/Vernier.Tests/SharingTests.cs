using Vernier.Adapters;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Generation;
using Vernier.Tuning;

namespace Vernier.Tests;

/// <summary>One model and several threads: every caller gets what it would get alone, or one clear exception.</summary>
public sealed class SharingTests : TemporaryFolderTests
{
    private const int Callers = 4;
    private static readonly GenerationOptions s_options = new() { MaxTokens = 12, StopIds = [] };
    private static readonly TuneOptions s_tuning = new() { Granularity = Granularity.Group, Steps = 3, Batch = 2, Context = 32, LearningRate = 0.05f };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Texts_of_several_threads_are_what_one_gives(int threads)
    {
        using var model = SavedModel.Open("gguf", Temporary.Path, threads);
        var prompts = Enumerable.Range(0, Callers).Select(k => Enumerable.Range(0, 9 + 11 * k).Select(i => 1 + (i * 7 + k) % 200).ToArray()).ToArray();
        var expected = prompts.Select(p => Write(model, p)).ToArray();
        var found = new List<int[]>[Callers];
        OnThreads(k =>
        {
            found[k] = [];
            for (var i = 0; i < 8; i++)
                found[k].Add(Write(model, prompts[k]));
        });
        for (var k = 0; k < Callers; k++)
            Assert.All(found[k], ids => Assert.Equal(expected[k], ids));
    }

    [Fact]
    public void Everything_at_once_is_right_or_refused()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path, 2);
        var adapter = Adapter.Load(Tune(model, "run"));
        model.Reset();
        var codes = model.CodesSha256();
        int[] ids = [.. Enumerable.Range(1, 20)];
        Action[] calls =
        [
            () => Write(model, ids),
            () => SavedModel.Logits(model),
            () => { using var scorer = new DecoderScorer(model.Decoder, model.Compute); Assert.Single(scorer.Score([new ScoringRequest(ids, 1)])); },
            () => Assert.Equal(codes, model.CodesSha256()),
            () => GgufExport.Write(model, Path.Combine(Temporary.Path, $"{Guid.NewGuid():N}.gguf")),
            () => adapter.ApplyTo(model),
            () => adapter.MergeForInference(model),
            model.Reset,
            () => Tune(model, $"run-{Guid.NewGuid():N}"),
            () => model.Tokenizer!.Encode("the quick brown fox"),
        ];
        OnThreads(k =>
        {
            var random = new Random(k);
            for (var i = 0; i < 25; i++)
                try
                {
                    calls[random.Next(calls.Length)]();
                }
                catch (InvalidOperationException e) when (e is not ObjectDisposedException)
                {
                    Assert.Contains("by another caller", e.Message, StringComparison.Ordinal);
                }
        });
        model.Reset();
        using var fresh = SavedModel.Open("gguf", Temporary.Path, 2);
        Assert.Equal(SavedModel.Logits(fresh), SavedModel.Logits(model));
    }

    [Fact]
    public void Dispose_waits_for_the_work_and_later_callers_are_told()
    {
        for (var turn = 0; turn < 20; turn++)
        {
            var model = SavedModel.Open("gguf", Temporary.Path, 2);
            using var started = new SemaphoreSlim(0);
            var worker = Task.Run(() =>
            {
                while (true)
                {
                    Write(model, [1, 2, 3]);
                    started.Release();
                }
            });
            started.Wait();
            model.Dispose();
            Assert.IsType<ObjectDisposedException>(Assert.Throws<AggregateException>(worker.Wait).InnerException);
            Assert.Throws<ObjectDisposedException>(() => Write(model, [1]));
            model.Dispose();
        }
    }

    [Fact]
    public void While_a_model_is_tuned_others_are_refused_and_the_callback_may_generate()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        InvalidOperationException? outside = null, inside = null, disposing = null;
        var run = Path.Combine(Temporary.Path, "run");
        var text = Array.Empty<int>();
        model.Tune(SavedModel.Data(Temporary.Path), s_tuning, run, at =>
        {
            text = Write(model, [1, 2, 3]);
            inside = Assert.Throws<InvalidOperationException>(model.Reset);
            disposing = Assert.Throws<InvalidOperationException>(model.Dispose);
            var other = new Thread(() => outside = Assert.Throws<InvalidOperationException>(() => Write(model, [1, 2, 3])));
            other.Start();
            other.Join();
        });
        Assert.Equal(text, Write(model, [1, 2, 3]));
        Assert.Contains("is being tuned by another caller", outside!.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be changed from inside", inside!.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be disposed from inside", disposing!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_generators_in_turns_write_what_each_writes_alone()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        int[] first = [1, 2, 3], second = [9, 8, 7, 6];
        using var a = new TokenGenerator(model);
        using var b = new TokenGenerator(model);
        var pairs = a.Generate(first, s_options).Zip(b.Generate(second, s_options)).ToList();
        Assert.Equal(Write(model, first), pairs.Select(p => p.First.Id));
        Assert.Equal(Write(model, second), pairs.Select(p => p.Second.Id));
    }

    [Fact]
    public void A_second_text_on_one_generator_ends_the_first()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        using var generator = new TokenGenerator(model);
        using var first = generator.Generate([1, 2, 3], s_options).GetEnumerator();
        Assert.True(first.MoveNext());
        Assert.Equal(Write(model, [4, 5]), generator.Generate([4, 5], s_options).Select(t => t.Id));
        Assert.Contains("another text was begun", Assert.Throws<InvalidOperationException>(() => first.MoveNext()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_generator_or_scorer_says_so()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var generator = new TokenGenerator(model);
        using var text = generator.Generate([1, 2, 3], s_options).GetEnumerator();
        Assert.True(text.MoveNext());
        generator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => text.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => generator.Generate([1]));
        var scorer = new DecoderScorer(model.Decoder, model.Compute);
        scorer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => scorer.Score([new ScoringRequest([1, 2, 3], 1)]).Count());
    }

    [Fact]
    public void One_scorer_serves_one_list_at_a_time()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        using var scorer = new DecoderScorer(model.Decoder, model.Compute);
        ScoringRequest[] requests = [new([1, 2, 3], 1), new([4, 5, 6], 1)];
        foreach (var score in scorer.Score(requests))
        {
            Assert.Throws<InvalidOperationException>(() => scorer.Score(requests).Count());
            Assert.Equal(2, score.LogProbabilities.Length);
            break;
        }
        Assert.Equal(2, scorer.Score(requests).Count());
    }

    [Fact]
    public void A_tokenizer_serves_all_threads()
    {
        using var model = SavedModel.Open("gguf", Temporary.Path);
        var tokenizer = model.Tokenizer!;
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => $"the {i} quick {i * 7 % 31}brown fox jumps {i % 5} over")];
        var expected = texts.Select(t => tokenizer.Encode(t)).ToArray();
        OnThreads(k =>
        {
            for (var i = 0; i < 2000; i++)
            {
                var at = (i * (k + 1) + k * 37) % texts.Length;
                Assert.Equal(expected[at], tokenizer.Encode(texts[at]));
                Assert.Equal(texts[at], tokenizer.Decode(expected[at]));
            }
        });
    }

    private static void OnThreads(Action<int> work)
    {
        var failures = new List<Exception>();
        var threads = Enumerable.Range(0, Callers).Select(k => new Thread(() =>
        {
            try
            {
                work(k);
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.Add(e);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.Empty(failures);
    }

    private static int[] Write(LanguageModel model, int[] prompt)
    {
        using var generator = new TokenGenerator(model);
        return [.. generator.Generate(prompt, s_options).Select(t => t.Id)];
    }

    private string Tune(LanguageModel model, string run)
    {
        var folder = Path.Combine(Temporary.Path, run);
        model.Tune(SavedModel.Data(Temporary.Path, Environment.CurrentManagedThreadId), s_tuning, folder);
        return folder;
    }
}
