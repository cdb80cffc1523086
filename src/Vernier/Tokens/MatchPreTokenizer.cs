using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Cuts a text at the matches of something.</summary>
/// <param name="isInverted">What lies between the matches counts as a match, and the matches do not.</param>
internal abstract class MatchPreTokenizer(SplitBehavior behavior, bool isInverted) : PreTokenizer
{
    public sealed override void Split(ReadOnlySpan<char> text, int offset, List<int> ends, WorkLimit work)
    {
        var matches = new List<(int Start, int End)>();
        FindMatches(text, matches, work);
        var stretches = new List<(int End, bool IsMatch)>(2 * matches.Count + 1);
        var done = 0;
        foreach (var (start, end) in matches)
        {
            if (start > done)
                stretches.Add((start, isInverted));
            // An empty match cuts, too: what lies on both sides of it does not meet.
            stretches.Add((end, !isInverted));
            done = end;
        }
        if (done < text.Length)
            stretches.Add((text.Length, isInverted));
        var last = 0;
        foreach (var (end, isKept) in Join(stretches))
        {
            if (end > last)
                ends.Add(isKept ? offset + end : ~(offset + end));
            last = end;
        }
    }

    /// <summary>Appends the matches from left to right; they do not overlap.</summary>
    protected abstract void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches, WorkLimit work);

    private IEnumerable<(int End, bool IsKept)> Join(List<(int End, bool IsMatch)> stretches)
    {
        for (var i = 0; i < stretches.Count; i++)
        {
            var (end, isMatch) = stretches[i];
            if (behavior == SplitBehavior.Removed)
                yield return (end, !isMatch);
            else if (i == stretches.Count - 1 || !JoinsNext(stretches, i))
                yield return (end, true);
        }
    }

    private bool JoinsNext(List<(int End, bool IsMatch)> stretches, int i)
    {
        var (isMatch, isNextMatch) = (stretches[i].IsMatch, stretches[i + 1].IsMatch);
        return behavior switch
        {
            SplitBehavior.Contiguous => isMatch == isNextMatch,
            SplitBehavior.MergedWithPrevious => isNextMatch && !isMatch,
            SplitBehavior.MergedWithNext => isMatch && !isNextMatch,
            _ => false,
        };
    }
}
