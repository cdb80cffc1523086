namespace Vernier.Tokens;

/// <summary>Pieces of a number of characters each; the last one may be shorter.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : ScanningPreTokenizer
{
    protected override int FirstEnd(ReadOnlySpan<char> text)
    {
        var at = 0;
        for (var count = 0; count < length && at < text.Length; count++)
            at += char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]) ? 2 : 1;
        return at;
    }
}
