namespace Vernier.Tokens.Patterns;

/// <summary>
/// A regular expression that a tokenizer file brings along, by Oniguruma's rules, over characters instead of UTF-16 units.
/// The expression is untrusted: what it does is charged against a limit, so that no text takes for ever. Safe for many threads.
/// </summary>
internal sealed class Pattern
{
    private readonly PatternStep[] _steps;
    private readonly int _slots;
    private PatternMatcher? _idle;
    private int[]? _idleText;

    /// <exception cref="NotSupportedException">The expression is not valid, or asks for something that is not done here.</exception>
    public Pattern(string source)
    {
        Source = source;
        (_steps, _slots) = PatternProgram.Compile(PatternParser.Parse(source));
    }

    /// <summary>A pattern that finds one text.</summary>
    public static Pattern Literal(string text) => new(string.Concat(text.EnumerateRunes().Select(rune => $"\\x{{{rune.Value:X}}}")));

    public string Source { get; }

    /// <summary>Appends the starts and ends of all matches, in UTF-16 units, leftmost first; an empty one is not given directly after another match.</summary>
    public void FindAll(ReadOnlySpan<char> text, List<(int Start, int End)> matches, WorkLimit work)
    {
        var matcher = Interlocked.Exchange(ref _idle, null) ?? new PatternMatcher(_steps, _slots);
        var characters = Interlocked.Exchange(ref _idleText, null) ?? [];
        if (characters.Length < text.Length)
            characters = new int[Math.Max(64, text.Length + text.Length / 4)];
        var count = 0;
        foreach (var rune in text.EnumerateRunes())
            characters[count++] = rune.Value;
        var (from, lastEnd, seen, units) = (0, -1, 0, 0);
        while (from <= count && matcher.Find(characters, count, from, work, out var start, out var end))
        {
            from = end;
            if (end == start)
            {
                from++;
                if (end == lastEnd)
                    continue;
            }
            lastEnd = end;
            var first = UnitsTo(start);
            matches.Add((first, UnitsTo(end)));
        }
        (_idle, _idleText) = (matcher, characters);

        int UnitsTo(int character)
        {
            for (; seen < character; seen++)
                units += characters[seen] < 0x10000 ? 1 : 2;
            return units;
        }
    }
}
