namespace Vernier.Tokens.Patterns;

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode
{
    /// <summary>How often a repetition may take its part: as often as it can, as little as it must, or as often as it can without giving back.</summary>
    public enum Greed
    {
        Greedy,
        Lazy,
        Possessive,
    }

    /// <summary>A place in the text.</summary>
    public enum Place
    {
        LineStart,
        LineEnd,
        TextStart,
        TextEnd,
        TextEndOrLastLine,
        SearchStart,
        WordEdge,
        NoWordEdge,
    }

    /// <summary>One character of a set.</summary>
    public sealed record One(CharacterSet Set) : PatternNode;

    public sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode;

    public sealed record Choice(IReadOnlyList<PatternNode> Ways) : PatternNode;

    public sealed record Repeat(PatternNode Part, int Least, int Most, Greed How) : PatternNode;

    /// <summary>What stands before or behind, without taking it.</summary>
    public sealed record Look(PatternNode Part, bool IsBehind, bool IsNegative) : PatternNode;

    /// <summary>A part that never gives back what it took.</summary>
    public sealed record Atomic(PatternNode Part) : PatternNode;

    public sealed record Edge(Place Where) : PatternNode;

    public static PatternNode Nothing { get; } = new Sequence([]);

    /// <summary>The characters that a part takes, where it is always the same number; else null.</summary>
    public int? Width() => this switch
    {
        One => 1,
        Look or Edge => 0,
        Atomic atomic => atomic.Part.Width(),
        Sequence sequence => sequence.Parts.Aggregate((int?)0, (sum, part) => sum + part.Width()),
        Choice choice => choice.Ways.Select(way => way.Width()).Distinct().ToList() is [var only] ? only : null,
        Repeat repeat when repeat.Least == repeat.Most && repeat.Part.Width() is { } width && (long)repeat.Least * width < 1 << 20 => repeat.Least * width,
        _ => null,
    };

    /// <summary>A part may match without taking a character.</summary>
    public bool MayBeEmpty() => this switch
    {
        One => false,
        Atomic atomic => atomic.Part.MayBeEmpty(),
        Sequence sequence => sequence.Parts.All(part => part.MayBeEmpty()),
        Choice choice => choice.Ways.Any(way => way.MayBeEmpty()),
        Repeat repeat => repeat.Least == 0 || repeat.Part.MayBeEmpty(),
        _ => true,
    };
}
