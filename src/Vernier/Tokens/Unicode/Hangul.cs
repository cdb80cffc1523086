namespace Vernier.Tokens.Unicode;

/// <summary>Korean syllables and the letters that they are made of, by arithmetic (Unicode 15, section 3.12).</summary>
internal static class Hangul
{
    public const int FirstSyllable = 0xAC00;
    public const int LastSyllable = FirstSyllable + Leads * VowelsAndTails - 1;
    public const int FirstVowel = 0x1161;
    public const int LastTail = TailBase + Tails - 1;
    private const int LeadBase = 0x1100;
    private const int TailBase = 0x11A7;
    private const int Leads = 19;
    private const int Vowels = 21;
    private const int Tails = 28;
    private const int VowelsAndTails = Vowels * Tails;

    /// <summary>The two or three letters of a syllable, or false for another character.</summary>
    public static bool TryDecompose(int character, out int lead, out int vowel, out int tail)
    {
        var index = character - FirstSyllable;
        (lead, vowel, tail) = (LeadBase + index / VowelsAndTails, FirstVowel + index % VowelsAndTails / Tails, index % Tails == 0 ? 0 : TailBase + index % Tails);
        return character is >= FirstSyllable and <= LastSyllable;
    }

    /// <summary>The syllable of a lead and a vowel, or of a syllable and a tail, or -1.</summary>
    public static int Compose(int first, int second)
    {
        if (first is >= LeadBase and < LeadBase + Leads && second is >= FirstVowel and < FirstVowel + Vowels)
            return FirstSyllable + (first - LeadBase) * VowelsAndTails + (second - FirstVowel) * Tails;
        return first is >= FirstSyllable and <= LastSyllable && (first - FirstSyllable) % Tails == 0 && second is > TailBase and <= LastTail
            ? first + second - TailBase
            : -1;
    }
}
