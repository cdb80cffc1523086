namespace Vernier.Models;

/// <summary>Sequences laid end to end, without padding. Attention never crosses a sequence's bounds.</summary>
public sealed class TokenBatch
{
    /// <summary>Marks a position without loss.</summary>
    public const int NoTarget = -100;

    /// <param name="ids">[tokens], sequence after sequence.</param>
    /// <param name="starts">[sequences + 1]: first token of each sequence, then the token count.</param>
    /// <param name="targets">[tokens]: the id that the position must predict (already shifted), or <see cref="NoTarget"/>.</param>
    public TokenBatch(int[] ids, int[] starts, int[] targets)
    {
        if (starts.Length < 2 || starts[0] != 0 || starts[^1] != ids.Length)
            throw new ArgumentException("starts must begin with 0 and end with the token count", nameof(starts));
        if (targets.Length != ids.Length)
            throw new ArgumentException("one target a token", nameof(targets));
        Ids = ids;
        Starts = starts;
        Targets = targets;
        CountScored();
    }

    /// <summary>Token ids of all sequences, one after the other.</summary>
    public int[] Ids { get; }

    /// <summary>Where each sequence begins, and last the token count.</summary>
    public int[] Starts { get; }

    /// <summary>The id that each position is to predict; <see cref="NoTarget"/> for none.</summary>
    public int[] Targets { get; }

    /// <summary>Tokens of all sequences.</summary>
    public int Tokens => Ids.Length;

    /// <summary>Sequences, which never see each other.</summary>
    public int Sequences => Starts.Length - 1;

    /// <summary>Positions that have a target.</summary>
    public int ScoredTokens { get; private set; }

    /// <summary>To be called after other rows of the same sizes were written into the arrays.</summary>
    internal void CountScored()
    {
        ScoredTokens = 0;
        foreach (var target in Targets)
            ScoredTokens += target >= 0 ? 1 : 0;
    }
}
