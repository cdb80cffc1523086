namespace Vernier.Tokens.Patterns;

/// <summary>Bounds what all stages of one call may do together: a tokenizer's rules come from strangers, and a text may be made for them.
/// It counts steps instead of time, so the same text is refused on every machine or on none.</summary>
/// <param name="source">The file of the rules, for messages.</param>
/// <param name="length">Characters of the text.</param>
internal sealed class WorkLimit(string source, long length)
{
    /// <summary>About a second; sensible rules need a few dozen steps a character.</summary>
    private const long Base = 100_000_000;
    private const long EachCharacter = 500;

    private long _left = Base + EachCharacter * length;

    /// <exception cref="InvalidDataException">The limit is reached.</exception>
    public void Charge(long steps)
    {
        _left -= steps;
        if (_left < 0)
            throw Exceeded();
    }

    private InvalidDataException Exceeded() =>
        new($"{source}: the rules by which this tokenizer cuts text take too long on a text of {length} characters");
}
