namespace Vernier.Evaluation;

/// <summary>Log-probabilities of token sequences. The one thing that perplexity and multiple choice need of a model.</summary>
internal abstract class SequenceScorer
{
    /// <summary>Scores the requests lazily, in order: results come while later requests are still being read.</summary>
    /// <exception cref="ArgumentException">A request scores from its first token, or holds an id outside the vocabulary.</exception>
    public abstract IEnumerable<SequenceScore> Score(IEnumerable<ScoringRequest> requests);
}
