namespace Vernier.Tokens;

/// <summary>
/// GPT-2's pattern, by hand:
/// <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>
/// </summary>
internal sealed class Gpt2PreTokenizer : ScanningPreTokenizer
{
    public const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    protected override int FirstEnd(ReadOnlySpan<char> text)
    {
        if (text[0] == '\'' && ContractionLength(text) is > 0 and var length)
            return length;
        var start = text[0] == ' ' && text.Length > 1 ? 1 : 0;
        var first = CharacterClasses.At(text, start, out var width);
        if (first != CharacterClass.Space)
            return CharacterClasses.EndOfRun(text, start + width, first);
        return EndOfSpaces(text, CharacterClasses.EndOfRun(text, start + width, CharacterClass.Space));
    }

    /// <summary><c>\s+(?!\S)|\s+</c>: a run of white space leaves its last character to the word that follows.</summary>
    public static int EndOfSpaces(ReadOnlySpan<char> text, int endOfRun) =>
        endOfRun < text.Length && endOfRun > 1 ? endOfRun - 1 : endOfRun;

    private static int ContractionLength(ReadOnlySpan<char> text)
    {
        var second = text.Length > 1 ? text[1] : '\0';
        if (second is 's' or 't' or 'm' or 'd')
            return 2;
        var third = text.Length > 2 ? text[2] : '\0';
        return (second, third) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }
}
