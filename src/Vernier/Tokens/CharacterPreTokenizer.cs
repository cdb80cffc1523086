using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Cuts a text at every character of a set.</summary>
internal sealed class CharacterPreTokenizer(CharacterSet set, SplitBehavior behavior) : MatchPreTokenizer(behavior, isInverted: false)
{
    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches, WorkLimit work)
    {
        work.Charge(text.Length);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            // A lone surrogate is read as U+FFFD, which takes one unit as it does.
            var end = at + rune.Utf16SequenceLength;
            if (set.Contains(rune.Value))
                matches.Add((at, end));
            at = end;
        }
    }
}
