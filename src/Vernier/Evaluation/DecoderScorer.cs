using Vernier.Models;

namespace Vernier.Evaluation;

/// <summary>Scores with a decoder. Consecutive requests share a forward pass, laid end to end without padding; where they begin with the same
/// long run of tokens (the choices of a question behind solved examples), that run is computed once and kept in a cache.</summary>
/// <remarks>Any number of scorers may be used on one model by several threads. One scorer scores one list at a time: a second caller gets <see cref="InvalidOperationException"/>.
/// <see cref="Dispose"/> waits for the pass under way.</remarks>
/// <param name="batchTokens">Tokens of a forward pass, unless a single sequence is longer.</param>
/// <param name="cancel">Ends every pass, with <see cref="OperationCanceledException"/>.</param>
internal sealed class DecoderScorer(Decoder decoder, Compute compute, int batchTokens = 2048, CancellationToken cancel = default) : SequenceScorer, IDisposable
{
    // Below this many shared tokens one pass over everything is faster than several short ones: a product of few tokens
    // pays for unpacking the weights as a product of about this many does.
    private const int WorthSharing = 48;

    private readonly KvCache _cache = new(decoder.Config, decoder.Config.ContextLength);
    private readonly List<ScoringRequest> _batch = [];
    private int _batched;
    private int[] _cached = []; // the ids whose keys and values the cache holds
    private readonly Lock _gate = new();
    private int _busy;
    private bool _disposed;

    /// <inheritdoc/>
    public override IEnumerable<SequenceScore> Score(IEnumerable<ScoringRequest> requests)
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
            throw new InvalidOperationException("this scorer is in use by another caller: make one for each");
        try
        {
            foreach (var score in ScoreAlone(requests))
                yield return score;
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _cache.Dispose();
        }
    }

    private IEnumerable<SequenceScore> ScoreAlone(IEnumerable<ScoringRequest> requests)
    {
        Forget();
        using var next = requests.GetEnumerator();
        if (!next.MoveNext())
            yield break;
        for (var more = true; more;)
        {
            var request = next.Current;
            Check(request);
            more = next.MoveNext();
            var share = Shares(request, _cached) || (more && Shares(request, next.Current.Ids));
            if (share || _batched + request.InputTokens > batchTokens)
                foreach (var score in FlushBatch())
                    yield return score;
            if (share)
            {
                yield return RunCached(request);
                continue;
            }
            _batch.Add(request);
            _batched += request.InputTokens;
        }
        foreach (var score in FlushBatch())
            yield return score;
    }

    /// <summary>The weights may have changed since the cache was filled.</summary>
    private void Forget()
    {
        _cache.Truncate(0);
        _cached = [];
        _batch.Clear();
        _batched = 0;
    }

    /// <summary>The request begins with a run of <paramref name="other"/> that is long, and the larger part of it.</summary>
    private static bool Shares(ScoringRequest request, int[] other)
    {
        var common = request.Ids.AsSpan(0, request.InputTokens).CommonPrefixLength(other);
        return common >= WorthSharing && 2 * common >= request.InputTokens;
    }

    private SequenceScore RunCached(ScoringRequest request)
    {
        var (ids, from) = request;
        var input = ids[..^1];
        // the last position is computed again even where its keys are known, and so is everything that is scored
        var keep = Math.Min(input.AsSpan().CommonPrefixLength(_cached), Math.Min(from, input.Length) - 1);
        _cache.Truncate(keep);
        var tail = input[keep..];
        var targets = new int[tail.Length];
        Array.Fill(targets, TokenBatch.NoTarget);
        ids.AsSpan(from).CopyTo(targets.AsSpan(from - 1 - keep));
        var logProbabilities = new float[tail.Length];
        var greedy = new bool[tail.Length];
        LogProbabilities(new TokenBatch(tail, [0, tail.Length], targets), _cache, logProbabilities, greedy);
        _cached = input;
        return new SequenceScore(logProbabilities[(from - 1 - keep)..], greedy[(from - 1 - keep)..]);
    }

    private SequenceScore[] FlushBatch()
    {
        if (_batch.Count == 0)
            return [];
        var ids = new int[_batched];
        var targets = new int[_batched];
        var starts = new int[_batch.Count + 1];
        Array.Fill(targets, TokenBatch.NoTarget);
        for (var r = 0; r < _batch.Count; r++)
        {
            var (sequence, from) = _batch[r];
            var start = starts[r];
            sequence.AsSpan(0, sequence.Length - 1).CopyTo(ids.AsSpan(start));
            sequence.AsSpan(from).CopyTo(targets.AsSpan(start + from - 1));
            starts[r + 1] = start + sequence.Length - 1;
        }

        var logProbabilities = new float[_batched];
        var greedy = new bool[_batched];
        LogProbabilities(new TokenBatch(ids, starts, targets), null, logProbabilities, greedy);

        var scores = new SequenceScore[_batch.Count];
        for (var r = 0; r < scores.Length; r++)
        {
            var tail = (starts[r] + _batch[r].From - 1)..starts[r + 1];
            scores[r] = new SequenceScore(logProbabilities[tail], greedy[tail]);
        }
        _batch.Clear();
        _batched = 0;
        return scores;
    }

    private void LogProbabilities(TokenBatch batch, KvCache? cache, float[] logProbabilities, bool[] greedy)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            using var work = new WorkLease(decoder, compute, cancel);
            if (cache is null)
                decoder.LogProbabilities(compute, batch, logProbabilities, greedy);
            else
                decoder.LogProbabilities(compute, batch, cache, logProbabilities, greedy);
        }
    }

    private void Check(ScoringRequest request)
    {
        var (ids, from) = request;
        if (ids.Length < 2 || from < 1 || from >= ids.Length)
            throw new ArgumentException($"cannot score from token {from} of {ids.Length}");
        foreach (var id in ids)
            if ((uint)id >= (uint)decoder.Config.VocabularySize)
                throw new ArgumentException($"token id {id} is outside the vocabulary of {decoder.Config.VocabularySize}");
    }
}
