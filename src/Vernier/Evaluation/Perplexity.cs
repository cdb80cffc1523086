using System.Text;
using Vernier.Tokens;

namespace Vernier.Evaluation;

/// <summary>Measures perplexity.</summary>
/// <param name="contextLength">Tokens the model was made for: no window is longer.</param>
internal sealed class Perplexity(SequenceScorer scorer, ITokenizer tokenizer, int contextLength)
{
    /// <summary>Perplexity of a text file.</summary>
    /// <param name="task">wikitext2, ptb, ptb-new, or any other name for the file's text as it is.</param>
    /// <param name="progress">Told (windows done, windows in all); for lm-eval documents.</param>
    /// <exception cref="InvalidDataException">The file is no text, or too short for one window.</exception>
    /// <exception cref="ArgumentException">The window is longer than the model's context, or no window is asked for.</exception>
    public PerplexityResult Measure(string task, string path, EvaluationOptions options, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        var context = Context(options);
        if (options.Windows is < 1)
            throw new ArgumentException($"{options.Windows} windows: expected at least 1");
        var text = TextFile.Read(path);
        if (options.Convention == PerplexityConvention.LmEval)
        {
            var documents = task == "wikitext2" ? EvaluationText.WikitextPages(text) : [EvaluationText.Build(task, text, options.Convention)];
            return Rolling(task, documents, detokenize: task == "wikitext2", context, options.Windows, progress, stop);
        }
        var ids = ContinuationEncoding.EncodeText(tokenizer, EvaluationText.Build(task, text, options.Convention));
        var shortest = options.Convention == PerplexityConvention.Llamacpp ? context : 2;
        if (ids.Length < shortest)
            throw new InvalidDataException($"{path}: {ids.Length} tokens are too few for one window: expected at least {shortest}");
        return Measure(task, ids, options.Convention, context, options.Windows, progress, stop);
    }

    /// <summary>Perplexity of a token stream by any convention but lm-eval's.</summary>
    /// <param name="ids">[tokens], BOS included where the model wants it.</param>
    /// <param name="windows">Windows at most; null = all.</param>
    public PerplexityResult Measure(string task, int[] ids, PerplexityConvention convention, int context, int? windows, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        List<ScoringRequest> requests = [.. convention switch
        {
            PerplexityConvention.Gptq => PerplexityWindows.Gptq(ids, context),
            PerplexityConvention.Llamacpp => PerplexityWindows.LlamaCpp(ids, context, tokenizer.AddsBos ? tokenizer.BosId : null),
            PerplexityConvention.Strided => PerplexityWindows.Strided(ids, context, context / 2),
            _ => throw new ArgumentException($"{convention} is about documents, not about one stream", nameof(convention)),
        }];
        if (windows < requests.Count)
            requests.RemoveRange(windows.Value, requests.Count - windows.Value);

        var results = new List<WindowResult>(requests.Count);
        foreach (var score in scorer.Score(requests))
        {
            stop.ThrowIfCancellationRequested();
            var request = requests[results.Count];
            results.Add(new WindowResult(results.Count, request.Ids.Length, request.Scored, -score.Sum));
            progress?.Invoke(results.Count, requests.Count);
        }
        return Summarize(task, OptionValue.NameOf(convention), context, ids.Length, results);
    }

    /// <summary>lm-evaluation-harness' rolling log-likelihood over documents.</summary>
    /// <param name="documents">Original texts: words and bytes are counted there.</param>
    /// <param name="detokenize">The model reads the text without WikiText's spelling.</param>
    /// <param name="limit">Documents at most; null = all.</param>
    public PerplexityResult Rolling(string task, IReadOnlyList<string> documents, bool detokenize, int context, int? limit, Action<int, int>? progress = null, CancellationToken stop = default)
    {
        var count = Math.Min(documents.Count, limit ?? int.MaxValue);
        var start = ContinuationEncoding.StartId(tokenizer);
        var results = new List<WindowResult>(count);
        var windows = 0;
        for (var d = 0; d < count; d++)
        {
            var ids = tokenizer.Encode(detokenize ? WikitextDetokenizer.Detokenize(documents[d]) : documents[d]);
            var sum = 0.0;
            foreach (var score in scorer.Score(PerplexityWindows.Rolling(ids, context, start)))
            {
                stop.ThrowIfCancellationRequested();
                sum += score.Sum;
                windows++;
            }
            results.Add(new WindowResult(d, ids.Length, ids.Length, -sum)
            {
                Words = PythonText.CountSplits(documents[d]),
                Bytes = Encoding.UTF8.GetByteCount(documents[d]),
            });
            progress?.Invoke(d + 1, count);
        }
        var nll = results.Sum(r => r.NllSum);
        var bytes = results.Sum(r => (long)r.Bytes!);
        return Summarize(task, OptionValue.NameOf(PerplexityConvention.LmEval), context, results.Sum(r => (long)r.Tokens), results) with
        {
            Windows = windows,
            WordPerplexity = Math.Exp(nll / results.Sum(r => (long)r.Words!)),
            BytePerplexity = Math.Exp(nll / bytes),
            BitsPerByte = nll / bytes / Math.Log(2),
        };
    }

    private static PerplexityResult Summarize(string task, string convention, int context, long textTokens, List<WindowResult> windows)
    {
        var scored = windows.Sum(w => (long)w.Scored);
        return new PerplexityResult(task)
        {
            Convention = convention,
            Context = context,
            Windows = windows.Count,
            Tokens = scored,
            TextTokens = textTokens,
            Nll = windows.Sum(w => w.NllSum) / scored,
            PerWindow = windows,
        };
    }

    private int Context(EvaluationOptions options)
    {
        if (options.Context is { } given)
            return given < 2 || given > contextLength
                ? throw new ArgumentException($"a context of {given} tokens: expected 2 to the model's {contextLength}")
                : given;
        var usual = options.Convention switch
        {
            PerplexityConvention.Llamacpp => 512,
            PerplexityConvention.Strided => 1024,
            _ => 2048,
        };
        return Math.Min(usual, contextLength);
    }
}
