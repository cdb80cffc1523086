namespace Vernier.Tokens;

/// <summary>Cuts numbers (\p{N}) out: every digit a piece of its own, or every run of them. What lies between stays whole.</summary>
internal sealed class DigitsPreTokenizer(bool individual) : ScanningPreTokenizer
{
    protected override int FirstEnd(ReadOnlySpan<char> text)
    {
        var isNumber = CharacterClasses.At(text, 0, out var at) == CharacterClass.Number;
        if (isNumber && individual)
            return at;
        while (at < text.Length)
        {
            if (CharacterClasses.At(text, at, out var width) == CharacterClass.Number != isNumber)
                break;
            at += width;
        }
        return at;
    }
}
