using Vernier.Evaluation;

namespace Vernier.Tests.Evaluation;

/// <summary>Answers with a function of each request, a batch of three requests late, as a real one reads ahead.</summary>
internal sealed class FakeScorer(Func<ScoringRequest, float[]> logProbabilities) : SequenceScorer
{
    public List<ScoringRequest> Seen { get; } = [];

    public override IEnumerable<SequenceScore> Score(IEnumerable<ScoringRequest> requests)
    {
        foreach (var batch in requests.Chunk(3))
            foreach (var request in batch)
            {
                Seen.Add(request);
                var values = logProbabilities(request);
                yield return new SequenceScore(values, [.. values.Select(v => v > -1)]);
            }
    }

    /// <summary>log p = -id / 100 for every scored token.</summary>
    public static FakeScorer ById() => new(r => [.. r.Ids[r.From..].Select(id => -id / 100f)]);
}
