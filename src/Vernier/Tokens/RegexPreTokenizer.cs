using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Vernier.Tokens;

/// <summary>
/// Pieces by a regular expression that a tokenizer file brings along: each match is a piece, and so is what lies between two matches.
/// The expression is untrusted, so a text has a limited time.
/// </summary>
internal sealed class RegexPreTokenizer : PreTokenizer
{
    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(1);

    /// <summary>A non-ASCII character of each general category, to stand in for a character that UTF-16 spells with two units.</summary>
    private static readonly char[] StandIns = MakeStandIns();

    private readonly Regex _pattern;

    public RegexPreTokenizer(string pattern)
    {
        try
        {
            _pattern = new Regex(pattern, RegexOptions.CultureInvariant, MatchLimit);
        }
        catch (ArgumentException reason)
        {
            throw new NotSupportedException($"the pre-tokenizer's pattern \"{pattern}\" is not understood: {reason.Message}", reason);
        }
    }

    public override void Split(ReadOnlySpan<char> text, int offset, List<int> ends)
    {
        var units = ReplacePairs(text, out var starts);
        var watch = Stopwatch.StartNew();
        // Far above what any sensible pattern needs.
        var limit = MatchLimit + TimeSpan.FromMicroseconds(20.0 * units.Length);
        var done = 0;
        try
        {
            foreach (var match in _pattern.EnumerateMatches(units))
            {
                if (watch.Elapsed > limit)
                    throw new RegexMatchTimeoutException();
                if (match.Length == 0)
                    continue;
                if (match.Index > done)
                    ends.Add(offset + starts[match.Index]);
                done = match.Index + match.Length;
                ends.Add(offset + starts[done]);
            }
        }
        catch (RegexMatchTimeoutException reason)
        {
            throw new InvalidDataException(
                $"the pre-tokenizer's pattern \"{_pattern}\" takes too long on a text of {text.Length} characters", reason);
        }
        if (done < units.Length)
            ends.Add(offset + text.Length);
    }

    /// <summary>.NET matches UTF-16 units, the patterns mean characters: one unit for each character, and where each begins.</summary>
    private static char[] ReplacePairs(ReadOnlySpan<char> text, out int[] starts)
    {
        var units = new char[text.Length];
        starts = new int[text.Length + 1];
        var count = 0;
        for (var at = 0; at < text.Length;)
        {
            starts[count] = at;
            if (char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]))
            {
                units[count++] = StandIns[(int)CharUnicodeInfo.GetUnicodeCategory(char.ConvertToUtf32(text[at], text[at + 1]))];
                at += 2;
            }
            else
            {
                units[count++] = char.IsSurrogate(text[at]) ? '\uFFFD' : text[at];
                at++;
            }
        }
        starts[count] = text.Length;
        return units[..count];
    }

    private static char[] MakeStandIns()
    {
        var standIns = new char[(int)UnicodeCategory.OtherNotAssigned + 1];
        for (var c = 0x100; c < 0x10000; c++)
        {
            var category = (int)CharUnicodeInfo.GetUnicodeCategory((char)c);
            if (standIns[category] == 0)
                standIns[category] = (char)c;
        }
        standIns[(int)UnicodeCategory.Control] = '\u0081';
        return standIns;
    }
}
