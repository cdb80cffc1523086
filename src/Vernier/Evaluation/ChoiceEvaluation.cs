using Vernier.Evaluation.Tasks;
using Vernier.Tokens;

namespace Vernier.Evaluation;

/// <summary>Scores multiple-choice documents: each choice's log-likelihood after its context decides.</summary>
internal sealed class ChoiceEvaluation(SequenceScorer scorer, ITokenizer tokenizer, int contextLength)
{
    /// <summary>Reads at most <paramref name="limit"/> documents.</summary>
    public static List<(ChoiceDocument Document, long Idx, string Place)> Read(ChoiceTask task, string path, int? limit)
    {
        var documents = new List<(ChoiceDocument, long, string)>();
        foreach (var record in JsonRecord.ReadLines(path))
        {
            if (documents.Count >= limit)
                break;
            documents.Add((task.Read(record), record.Has("idx") ? record.Integer("idx") : documents.Count, record.Place));
        }
        return documents.Count > 0 ? documents : throw new InvalidDataException($"{path}: no documents");
    }

    /// <summary>The solved examples, in order, each followed by an empty line.</summary>
    /// <exception cref="InvalidDataException">The file has fewer than <paramref name="shots"/> records.</exception>
    public static string Examples(ChoiceTask task, string path, int shots)
    {
        var examples = Read(task, path, shots);
        return examples.Count == shots
            ? string.Concat(examples.Select(example => example.Document.Solved + "\n\n"))
            : throw new InvalidDataException($"{path}: {examples.Count} records are too few for {shots} examples");
    }

    /// <summary>Scores all documents behind one prefix.</summary>
    /// <param name="prefix">Description and solved examples; may be empty.</param>
    public IEnumerable<ChoiceSample> Run(ChoiceTask task, IReadOnlyList<(ChoiceDocument Document, long Idx, string Place)> documents, string prefix)
    {
        // the scorer reads ahead by a batch, so requests wait here until their scores come
        var waiting = new Queue<ScoringRequest>();
        using var scores = scorer.Score(Requests()).GetEnumerator();
        for (var d = 0; d < documents.Count; d++)
        {
            var (document, idx, _) = documents[d];
            var choices = new ScoredChoice[document.Choices.Count];
            for (var c = 0; c < choices.Length; c++)
            {
                scores.MoveNext();
                var request = waiting.Dequeue();
                var choice = document.Choices[c];
                choices[c] = new ScoredChoice(choice.Context, choice.Continuation, request.From, request.Scored, choice.NormChars, scores.Current.Sum, scores.Current.IsGreedy);
            }
            yield return Judge(d, idx, document.Gold, choices, task.HasNorm);
        }

        IEnumerable<ScoringRequest> Requests()
        {
            foreach (var (document, _, place) in documents)
                foreach (var choice in document.Choices)
                {
                    var request = Request(prefix, choice, place);
                    waiting.Enqueue(request);
                    yield return request;
                }
        }
    }

    private ScoringRequest Request(string prefix, Choice choice, string place)
    {
        try
        {
            return ContinuationEncoding.CutLeft(ContinuationEncoding.Encode(tokenizer, prefix + choice.Context, choice.Continuation), contextLength);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{place}: the choice '{choice.Continuation}' cannot be scored: {e.Message}", e);
        }
    }

    /// <summary>Means and standard errors over documents.</summary>
    public static ChoiceResult Summarize(ChoiceTask task, int shots, IReadOnlyList<ChoiceSample> samples, bool keepSamples)
    {
        var (acc, accError) = Mean(samples, s => s.Acc);
        var result = new ChoiceResult(task.Name)
        {
            N = samples.Count,
            Shots = shots,
            Acc = acc,
            AccStderr = accError,
            Brier = samples.Average(s => s.Brier),
            Samples = keepSamples ? samples : null,
        };
        if (!task.HasNorm)
            return result;
        var (norm, normError) = Mean(samples, s => s.AccNorm!.Value);
        return result with { AccNorm = norm, AccNormStderr = normError };
    }

    private static ChoiceSample Judge(int number, long idx, int gold, ScoredChoice[] choices, bool hasNorm)
    {
        var best = ArgMax(choices, c => c.Loglikelihood);
        int? bestNorm = hasNorm ? ArgMax(choices, c => c.Loglikelihood / c.NormChars) : null;
        return new ChoiceSample(number, idx, gold, best, bestNorm)
        {
            Acc = best == gold ? 1 : 0,
            AccNorm = bestNorm is { } norm ? (norm == gold ? 1 : 0) : null,
            Brier = Brier(choices, gold),
            Choices = choices,
        };
    }

    private static int ArgMax(ScoredChoice[] choices, Func<ScoredChoice, double> value)
    {
        var best = 0;
        for (var c = 1; c < choices.Length; c++)
            if (value(choices[c]) > value(choices[best]))
                best = c;
        return best;
    }

    private static double Brier(ScoredChoice[] choices, int gold)
    {
        var max = choices.Max(c => c.Loglikelihood);
        var total = choices.Sum(c => Math.Exp(c.Loglikelihood - max));
        return choices.Select((c, i) => Math.Exp(c.Loglikelihood - max) / total - (i == gold ? 1 : 0)).Sum(d => d * d);
    }

    /// <summary>Mean and its standard error, from the sample's deviation (n - 1).</summary>
    private static (double Mean, double? Error) Mean(IReadOnlyList<ChoiceSample> samples, Func<ChoiceSample, double> value)
    {
        var n = samples.Count;
        var mean = samples.Average(value);
        return (mean, n < 2 ? null : Math.Sqrt(samples.Sum(s => (value(s) - mean) * (value(s) - mean)) / (n - 1) / n));
    }
}
