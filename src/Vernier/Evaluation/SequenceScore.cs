namespace Vernier.Evaluation;

/// <summary>What a model says about the scored tokens of one <see cref="ScoringRequest"/>.</summary>
/// <param name="LogProbabilities">[scored], natural logarithm of the probability given everything before.</param>
/// <param name="Greedy">[scored], the token was the arg-max (first on ties).</param>
public sealed record SequenceScore(float[] LogProbabilities, bool[] Greedy)
{
    /// <summary>Log-likelihood of the scored tail, summed in double.</summary>
    public double Sum
    {
        get
        {
            var sum = 0.0;
            foreach (var value in LogProbabilities)
                sum += value;
            return sum;
        }
    }

    /// <summary>Greedy decoding would have produced exactly this tail.</summary>
    public bool IsGreedy => !Greedy.AsSpan().Contains(false);
}
