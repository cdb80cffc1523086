namespace Vernier.Tokens;

/// <summary>
/// The pattern of Llama 3 (digits in threes) and Qwen 2 (single digits), by hand:
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>
/// </summary>
/// <param name="mostDigits">The most digits in one piece.</param>
internal sealed class Llama3PreTokenizer(int mostDigits) : ScanningPreTokenizer
{
    public const string Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    public const string SingleDigitPattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    protected override int FirstEnd(ReadOnlySpan<char> text)
    {
        if (text[0] == '\'' && ContractionLength(text) is > 0 and var length)
            return length;
        var first = CharacterClasses.At(text, 0, out var width);
        if (first == CharacterClass.Letter)
            return CharacterClasses.EndOfRun(text, width, CharacterClass.Letter);
        if (first == CharacterClass.Number)
            return EndOfDigits(text, width);
        // One character that is neither letter, number nor line end goes with the letters after it.
        var isLineEnd = IsLineEnd(text[0]);
        var second = width < text.Length ? CharacterClasses.At(text, width, out _) : CharacterClass.Space;
        if (!isLineEnd && second == CharacterClass.Letter)
            return CharacterClasses.EndOfRun(text, width, CharacterClass.Letter);
        if (first == CharacterClass.Other || (text[0] == ' ' && second == CharacterClass.Other))
            return EndOfLineEnds(text, CharacterClasses.EndOfRun(text, width, CharacterClass.Other));
        var end = CharacterClasses.EndOfRun(text, width, CharacterClass.Space);
        var lineEnd = text[..end].LastIndexOfAny('\r', '\n');
        return lineEnd >= 0 ? lineEnd + 1 : Gpt2PreTokenizer.EndOfSpaces(text, end);
    }

    private int EndOfDigits(ReadOnlySpan<char> text, int at)
    {
        for (var count = 1; count < mostDigits && at < text.Length; count++)
        {
            if (CharacterClasses.At(text, at, out var width) != CharacterClass.Number)
                break;
            at += width;
        }
        return at;
    }

    private static int EndOfLineEnds(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && IsLineEnd(text[at]))
            at++;
        return at;
    }

    private static bool IsLineEnd(char c) => c is '\r' or '\n';

    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        var second = text.Length > 1 ? Fold(text[1]) : '\0';
        if (second is 's' or 't' or 'm' or 'd')
            return 2;
        var third = text.Length > 2 ? Fold(text[2]) : '\0';
        return (second, third) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    /// <summary>Unicode's simple case folding onto ASCII letters; the long s folds to s.</summary>
    private static char Fold(char c) => c == 'ſ' ? 's' : char.ToLowerInvariant(c);
}
