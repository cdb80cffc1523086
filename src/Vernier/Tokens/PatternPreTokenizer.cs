using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Cuts a text at the matches of a regular expression.</summary>
internal sealed class PatternPreTokenizer(Pattern pattern, SplitBehavior behavior, bool isInverted) : MatchPreTokenizer(behavior, isInverted)
{
    protected override void FindMatches(ReadOnlySpan<char> text, List<(int Start, int End)> matches, WorkLimit work) => pattern.FindAll(text, matches, work);
}
