using System.Globalization;
using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>
/// The rules that cut text into pieces, as data: what a tokenizer file says and what is written back to one.
/// Each rule cuts the pieces of the one before.
/// </summary>
internal sealed record PreTokenization(params IReadOnlyList<PreTokenization.Rule> Rules)
{
    /// <summary>One way to cut.</summary>
    public abstract record Rule;

    /// <summary>By a regular expression, or by a text as it is.</summary>
    /// <param name="IsInverted">What lies between the matches counts as a match, and the matches do not.</param>
    /// <param name="IsLiteral">The pattern is a text as it is.</param>
    public sealed record Split(string Pattern, SplitBehavior Behavior = SplitBehavior.Isolated, bool IsInverted = false, bool IsLiteral = false) : Rule;

    /// <summary>Numbers apart from the rest.</summary>
    public sealed record Digits(bool Individual) : Rule;

    /// <summary>At punctuation: Unicode's, and all of ASCII that is neither letter, digit nor space.</summary>
    public sealed record Punctuation(SplitBehavior Behavior) : Rule;

    /// <summary>At white space, which is dropped.</summary>
    public sealed record WhiteSpaceSplit : Rule;

    /// <summary>Runs of word characters, and runs of what is neither word nor white space; white space is dropped.</summary>
    public sealed record Words : Rule;

    /// <summary>Pieces of as many characters each.</summary>
    public sealed record FixedLength(int Length) : Rule;

    public static PreTokenization Gpt2 { get; } = new(new Split(Gpt2PreTokenizer.Pattern));

    public static PreTokenization SmolLm { get; } = new(new Digits(Individual: true), new Split(Gpt2PreTokenizer.Pattern));

    public static PreTokenization Llama3 { get; } = new(new Split(Llama3PreTokenizer.Pattern));

    public static PreTokenization Qwen2 { get; } = new(new Split(Llama3PreTokenizer.SingleDigitPattern));

    /// <summary>What GGUF's <c>tokenizer.ggml.pre</c> names.</summary>
    /// <exception cref="NotSupportedException">The name is not known here.</exception>
    public static PreTokenization FromGgufName(string name) => GgufPreTokenizer.Find(name).Rules;

    /// <summary>A name by which GGUF knows these rules, or null.</summary>
    internal string? GgufName(bool ignoresMerges) => GgufPreTokenizer.NameOf(this, ignoresMerges);

    internal PreTokenizer Build() => Rules.Count == 0
        ? new WholePreTokenizer()
        : SequencePreTokenizer.Of(Rules.Select(Build));

    internal static PreTokenizer Build(Rule rule) => rule switch
    {
        Digits digits => new DigitsPreTokenizer(digits.Individual),
        Split { Pattern: Gpt2PreTokenizer.Pattern, Behavior: SplitBehavior.Isolated } => new Gpt2PreTokenizer(),
        Split { Pattern: Llama3PreTokenizer.Pattern, Behavior: SplitBehavior.Isolated } => new Llama3PreTokenizer(mostDigits: 3),
        Split { Pattern: Llama3PreTokenizer.SingleDigitPattern, Behavior: SplitBehavior.Isolated } => new Llama3PreTokenizer(mostDigits: 1),
        Split split => new PatternPreTokenizer(
            split.IsLiteral ? Pattern.Literal(split.Pattern) : new Pattern(split.Pattern), split.Behavior, split.IsInverted),
        Punctuation punctuation => new CharacterPreTokenizer(CharacterSet.Union([CharacterSet.Categories(IsPunctuation), new(IsAsciiSymbol)]), punctuation.Behavior),
        WhiteSpaceSplit => new CharacterPreTokenizer(CharacterSet.Space, SplitBehavior.Removed),
        Words => new SequencePreTokenizer(new CharacterPreTokenizer(CharacterSet.Space, SplitBehavior.Removed), new CharacterPreTokenizer(CharacterSet.UnicodeWord, SplitBehavior.Contiguous)),
        FixedLength fixedLength => new FixedLengthPreTokenizer(fixedLength.Length),
        _ => throw new ArgumentException($"no pre-tokenizer for {rule}", nameof(rule)),
    };

    private static bool IsPunctuation(UnicodeCategory category) => category is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    private static bool IsAsciiSymbol(int character) => character < 128 && char.IsSymbol((char)character);
}
