using Vernier.Models;

namespace Vernier.Evaluation;

/// <summary>Scores with a decoder. Consecutive requests share a forward pass, laid end to end without padding.</summary>
/// <param name="batchTokens">Tokens of a forward pass, unless a single sequence is longer.</param>
public sealed class DecoderScorer(Decoder decoder, Compute compute, int batchTokens = 2048) : SequenceScorer
{
    public override IEnumerable<SequenceScore> Score(IEnumerable<ScoringRequest> requests)
    {
        var batch = new List<ScoringRequest>();
        var tokens = 0;
        foreach (var request in requests)
        {
            Check(request);
            if (batch.Count > 0 && tokens + request.InputTokens > batchTokens)
            {
                foreach (var score in Run(batch, tokens))
                    yield return score;
                batch.Clear();
                tokens = 0;
            }
            batch.Add(request);
            tokens += request.InputTokens;
        }
        if (batch.Count > 0)
            foreach (var score in Run(batch, tokens))
                yield return score;
    }

    private SequenceScore[] Run(List<ScoringRequest> requests, int tokens)
    {
        var ids = new int[tokens];
        var targets = new int[tokens];
        var starts = new int[requests.Count + 1];
        Array.Fill(targets, TokenBatch.NoTarget);
        for (var r = 0; r < requests.Count; r++)
        {
            var (sequence, from) = requests[r];
            var start = starts[r];
            sequence.AsSpan(0, sequence.Length - 1).CopyTo(ids.AsSpan(start));
            sequence.AsSpan(from).CopyTo(targets.AsSpan(start + from - 1));
            starts[r + 1] = start + sequence.Length - 1;
        }

        var logProbabilities = new float[tokens];
        var greedy = new bool[tokens];
        decoder.LogProbabilities(compute, new TokenBatch(ids, starts, targets), logProbabilities, greedy);

        var scores = new SequenceScore[requests.Count];
        for (var r = 0; r < requests.Count; r++)
        {
            var tail = (starts[r] + requests[r].From - 1)..starts[r + 1];
            scores[r] = new SequenceScore(logProbabilities[tail], greedy[tail]);
        }
        return scores;
    }

    private void Check(ScoringRequest request)
    {
        var (ids, from) = request;
        if (ids.Length < 2 || from < 1 || from > ids.Length)
            throw new ArgumentException($"cannot score from token {from} of {ids.Length}");
        foreach (var id in ids)
            if ((uint)id >= (uint)decoder.Config.VocabularySize)
                throw new ArgumentException($"token id {id} is outside the vocabulary of {decoder.Config.VocabularySize}");
    }
}
