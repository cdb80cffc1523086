using System.Globalization;
using System.Text;
using Vernier.Tokens.Unicode;

namespace Vernier.Tokens.Patterns;

/// <summary>A set of characters: one bit a character, worked out for 256 of them when the first of these is asked for. Safe for many threads.</summary>
internal sealed class CharacterSet(Func<int, bool> contains)
{
    private const int PageCount = 0x110000 >> 8;
    private const int None = -1;

    private readonly int _only = None;
    private ulong[]?[]? _pages; // a large pattern has many sets, and few of them are asked

    private CharacterSet(int only)
        : this(c => c == only) => _only = only;

    public static CharacterSet Any { get; } = new(_ => true);

    /// <summary>Letters and what serves as one; those that came after the table's Unicode by their category.</summary>
    public static CharacterSet Alphabetic { get; } = Union(
        [Categories(c => c is <= UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber), Ranges(CharacterSetTable.Find("alphabetic")!)]);

    /// <summary>Oniguruma's \w: alphabetic characters, marks, decimal digits, connecting punctuation, and the raised digits and fractions of Latin-1.</summary>
    public static CharacterSet Word { get; } = Union(
    [
        Alphabetic, Categories(c => c is <= UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation),
        Range(0xB2, 0xB3), Of(0xB9), Range(0xBC, 0xBE),
    ]);

    /// <summary>Unicode's own word characters (UTS 18, annex C): without those of Latin-1, with the joiners.</summary>
    public static CharacterSet UnicodeWord { get; } = Union(
        [Alphabetic, Categories(c => c is <= UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation), Range(0x200C, 0x200D)]);

    public static CharacterSet Space { get; } = new(c => c < 0x10000 && char.IsWhiteSpace((char)c));

    public static CharacterSet Categories(Func<UnicodeCategory, bool> contains) => new(c => contains(CharUnicodeInfo.GetUnicodeCategory(c)));

    public static CharacterSet Of(int character) => new(character);

    public static CharacterSet Range(int first, int last) => new(c => c >= first && c <= last);

    /// <param name="ranges">First and last characters, in rising order.</param>
    public static CharacterSet Ranges((int First, int Last)[] ranges) => new(c =>
    {
        var (low, high) = (0, ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (c < ranges[middle].First)
                high = middle - 1;
            else if (c > ranges[middle].Last)
                low = middle + 1;
            else
                return true;
        }
        return false;
    });

    public static CharacterSet Union(IReadOnlyList<CharacterSet> sets) => sets is [var only] ? only : new(c =>
    {
        foreach (var set in sets)
            if (set.Contains(c))
                return true;
        return false;
    });

    public CharacterSet And(CharacterSet other) => new(c => Contains(c) && other.Contains(c));

    public CharacterSet Not() => new(c => !Contains(c));

    /// <summary>With the characters that differ only in case (Unicode's simple folding).</summary>
    public CharacterSet IgnoringCase() => new(c =>
    {
        foreach (var same in CaseVariants(c))
            if (Contains(same))
                return true;
        return false;
    });

    public bool Contains(int character)
    {
        if (_only != None)
            return character == _only;
        var page = _pages?[character >> 8] ?? Fill(character >> 8);
        return (page[(character >> 6) & 3] >> (character & 63) & 1) != 0;
    }

    private ulong[] Fill(int number)
    {
        var page = new ulong[4];
        for (var i = 0; i < 256; i++)
            if (contains((number << 8) + i))
                page[i >> 6] |= 1UL << (i & 63);
        var pages = _pages ?? Interlocked.CompareExchange(ref _pages, new ulong[PageCount][], null) ?? _pages;
        return pages[number] = page;
    }

    private static IEnumerable<int> CaseVariants(int character)
    {
        yield return character;
        if (!Rune.IsValid(character))
            yield break;
        var rune = new Rune(character);
        var (lower, upper) = (Rune.ToLowerInvariant(rune), Rune.ToUpperInvariant(rune));
        yield return lower.Value;
        yield return upper.Value;
        yield return Rune.ToLowerInvariant(upper).Value;
        // Signs that fold onto letters which do not fold back onto them.
        foreach (var (letter, sign) in ((int, int)[])[('s', 0x17F), ('k', 0x212A), (0xE5, 0x212B), (0x3C9, 0x2126), (0xDF, 0x1E9E)])
            if (character == sign)
            {
                yield return letter;
                yield return Rune.ToUpperInvariant(new Rune(letter)).Value;
            }
            else if (lower.Value == letter)
            {
                yield return sign;
            }
    }
}
