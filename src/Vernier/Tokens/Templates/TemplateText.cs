using System.Buffers;
using System.Globalization;
using System.Text;

namespace Vernier.Tokens.Templates;

/// <summary>Python's rules for texts: characters are code points, white space and line ends are Unicode's.</summary>
internal static class TemplateText
{
    private static readonly SearchValues<char> Surrogates = SearchValues.Create([.. Enumerable.Range(0xD800, 0x800).Select(c => (char)c)]);

    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static bool IsPrintable(int codePoint) => codePoint == ' ' || CharUnicodeInfo.GetUnicodeCategory(codePoint) is not (
        UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    public static bool HasPairs(string text) => text.AsSpan().ContainsAny(Surrogates);

    public static int Count(string text) => HasPairs(text) ? ToPlace(text, text.Length) : text.Length;

    /// <summary>How many code points stand before an index.</summary>
    public static int ToPlace(string text, int index)
    {
        var place = index;
        for (var i = 0; i + 1 < index; i++)
            if (char.IsSurrogatePair(text[i], text[i + 1]))
            {
                place--;
                i++;
            }
        return place;
    }

    /// <summary>The index of a code point, at most the text's length.</summary>
    public static int ToIndex(string text, long place)
    {
        if (!HasPairs(text))
            return (int)Math.Min(place, text.Length);
        var index = 0;
        for (; place > 0 && index < text.Length; place--)
            index += char.IsSurrogatePair(text, index) ? 2 : 1;
        return index;
    }

    public static IEnumerable<string> Characters(string text)
    {
        for (var i = 0; i < text.Length; i++)
            if (char.IsSurrogatePair(text, i))
                yield return text.Substring(i++, 2);
            else
                yield return text[i].ToString();
    }

    /// <summary>The order of two texts by code points.</summary>
    public static int Compare(string left, string right)
    {
        var at = left.AsSpan().CommonPrefixLength(right);
        if (at == left.Length || at == right.Length)
            return left.Length.CompareTo(right.Length);
        var (a, b) = (left[at], right[at]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a) ? 1 : -1;
    }

    /// <summary>The first index of a part between two indices, or -1; the time does not grow with the product of the lengths.</summary>
    public static int Find(TemplateRun run, string text, string part, int start, int end)
    {
        if (start > text.Length || end - start < part.Length)
            return -1;
        var span = text.AsSpan(start, end - start);
        run.Charge(1 + span.Length / 16 + part.Length / 8);
        if (part.Length > 64)
        {
            run.Charge(span.Length / 8);
            return KnuthMorrisPratt(span, part) is >= 0 and var at ? at + start : -1;
        }
        run.Charge((long)span.Length * part.Length / 1024);
        return span.IndexOf(part, StringComparison.Ordinal) is >= 0 and var found ? found + start : -1;
    }

    private static int KnuthMorrisPratt(ReadOnlySpan<char> text, string part)
    {
        var back = new int[part.Length];
        for (int i = 1, matched = 0; i < part.Length; i++)
        {
            while (matched > 0 && part[i] != part[matched])
                matched = back[matched - 1];
            back[i] = part[i] == part[matched] ? ++matched : matched;
        }
        for (int i = 0, matched = 0; i < text.Length; i++)
        {
            while (matched > 0 && text[i] != part[matched])
                matched = back[matched - 1];
            if (text[i] == part[matched] && ++matched == part.Length)
                return i - part.Length + 1;
        }
        return -1;
    }

    /// <summary>The last index of a part between two indices, or -1.</summary>
    public static int FindLast(TemplateRun run, string text, string part, int start, int end)
    {
        if (start > text.Length || end - start < part.Length)
            return -1;
        if (part.Length > 64)
        {
            var backwards = Find(run, Backwards(text[start..end]), Backwards(part), 0, end - start);
            return backwards < 0 ? -1 : end - backwards - part.Length;
        }
        run.Charge(1 + (end - start) / 16 + (long)(end - start) * part.Length / 1024);
        return text.AsSpan(start, end - start).LastIndexOf(part, StringComparison.Ordinal) is >= 0 and var found ? found + start : -1;
    }

    /// <summary>The indices at which a part stands, one after the other.</summary>
    public static List<int> FindAll(TemplateRun run, string text, string part, long most = long.MaxValue)
    {
        var found = new List<int>();
        if (part.Length == 0)
        {
            for (var i = 0; i <= text.Length && found.Count < most; i++)
                if (i == text.Length || i == 0 || !char.IsSurrogatePair(text[i - 1], text[i]))
                    found.Add(i);
            run.ChargeItems(found.Count);
            return found;
        }
        run.ChargeSize(text.Length);
        run.Charge((long)text.Length * Math.Min(part.Length, 64) / 1024);
        for (int at = 0, next; found.Count < most && (next = NextOf(text, part, at)) >= 0; at = next + part.Length)
        {
            run.Charge();
            if (part.Length > 64)
                run.Charge(part.Length / 8 + (next - at) / 8);
            found.Add(next);
        }
        return found;
    }

    private static int NextOf(string text, string part, int at)
    {
        var found = part.Length > 64 ? KnuthMorrisPratt(text.AsSpan(at), part) : text.AsSpan(at).IndexOf(part, StringComparison.Ordinal);
        return found < 0 ? -1 : at + found;
    }

    private static string Backwards(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        from.CopyTo(to);
        to.Reverse();
    });

    public static string Reverse(string text) => HasPairs(text) ? string.Concat(Characters(text).Reverse()) : Backwards(text);

    /// <param name="chars">The characters that go, or null for white space.</param>
    public static string Strip(string text, string? chars, bool left, bool right)
    {
        if (chars is not null && HasPairs(chars))
            return StripCharacters(text, [.. Characters(chars)], left, right);
        var set = chars is null ? null : SearchValues.Create(chars);
        var (start, end) = (0, text.Length);
        while (left && start < end && (set?.Contains(text[start]) ?? IsSpace(text[start])))
            start++;
        while (right && end > start && (set?.Contains(text[end - 1]) ?? IsSpace(text[end - 1])))
            end--;
        return text[start..end];
    }

    private static string StripCharacters(string text, HashSet<string> chars, bool left, bool right)
    {
        var all = Characters(text).ToList();
        var (start, end) = (0, all.Count);
        while (left && start < end && chars.Contains(all[start]))
            start++;
        while (right && end > start && chars.Contains(all[end - 1]))
            end--;
        return string.Concat(all[start..end]);
    }

    public static string Replace(TemplateRun run, string text, string old, string @new, long most)
    {
        var places = FindAll(run, text, old, most < 0 ? long.MaxValue : most);
        run.ChargeSize(text.Length + places.Count * ((long)@new.Length - old.Length));
        var replaced = new StringBuilder();
        var at = 0;
        foreach (var place in places)
        {
            replaced.Append(text, at, place - at).Append(@new);
            at = place + old.Length;
        }
        return replaced.Append(text, at, text.Length - at).ToString();
    }

    public static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029';

    public static List<string> Lines(TemplateRun run, string text, bool keepsEnds = false)
    {
        run.ChargeSize(text.Length);
        var lines = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var end = at;
            while (end < text.Length && !IsLineEnd(text[end]))
                end++;
            var next = end == text.Length ? end : end + (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? 2 : 1);
            run.Charge();
            lines.Add(text[at..(keepsEnds ? next : end)]);
            at = next;
        }
        return lines;
    }

    /// <summary>Parts between separators, or between white space where there is none.</summary>
    public static List<string> Split(TemplateRun run, string text, string? separator, long most, bool fromRight)
    {
        run.ChargeSize(text.Length);
        most = most < 0 ? long.MaxValue : most;
        if (separator is null)
            return fromRight ? SplitAtSpacesFromRight(run, text, most) : SplitAtSpaces(run, text, most);
        if (separator.Length == 0)
            throw run.Error("empty separator");
        var places = FindAll(run, text, separator, fromRight ? long.MaxValue : most);
        if (fromRight)
            places = FromRight(run, text, separator, places, most);
        var parts = new List<string>();
        var at = 0;
        foreach (var place in places)
        {
            parts.Add(text[at..place]);
            at = place + separator.Length;
        }
        parts.Add(text[at..]);
        return parts;
    }

    /// <summary>Where a separator overlaps itself, the right end decides.</summary>
    private static List<int> FromRight(TemplateRun run, string text, string separator, List<int> places, long most)
    {
        if (separator.Length > 1)
        {
            places = FindAll(run, Backwards(text), Backwards(separator), most);
            places = [.. places.Select(place => text.Length - place - separator.Length).Reverse()];
        }
        return places.Count > most ? places[^(int)most..] : places;
    }

    private static List<string> SplitAtSpaces(TemplateRun run, string text, long most)
    {
        var parts = new List<string>();
        for (var at = 0; ;)
        {
            while (at < text.Length && IsSpace(text[at]))
                at++;
            if (at == text.Length)
                return parts;
            var end = at;
            while (end < text.Length && (parts.Count >= most || !IsSpace(text[end])))
                end++;
            run.Charge();
            parts.Add(text[at..end]);
            at = end;
        }
    }

    private static List<string> SplitAtSpacesFromRight(TemplateRun run, string text, long most)
    {
        var parts = new List<string>();
        for (var end = text.Length; ;)
        {
            while (end > 0 && IsSpace(text[end - 1]))
                end--;
            if (end == 0)
                break;
            var at = end;
            while (at > 0 && (parts.Count >= most || !IsSpace(text[at - 1])))
                at--;
            run.Charge();
            parts.Add(text[at..end]);
            end = at;
        }
        parts.Reverse();
        return parts;
    }

    /// <summary>Blanks or another character on one or both sides up to a width.</summary>
    /// <param name="side">&lt; text left, &gt; text right, ^ text in the middle as <c>format</c> does it, c as the method <c>center</c> does.</param>
    public static string Pad(TemplateRun run, string text, long width, string fill, char side)
    {
        var missing = width - Count(text);
        if (missing <= 0)
            return text;
        run.ChargeSize(text.Length + missing * fill.Length);
        var left = side switch { '<' => 0, '>' => missing, '^' => missing / 2, _ => missing / 2 + (missing & width & 1) };
        return new StringBuilder().Insert(0, fill, (int)left).Append(text).Insert((int)left * fill.Length + text.Length, fill, (int)(missing - left)).ToString();
    }

    public static string EscapeHtml(TemplateRun run, string text)
    {
        run.ChargeSize(text.Length);
        if (text.AsSpan().IndexOfAny("&<>'\"") < 0)
            return text;
        run.ChargeSize(text.Length + 5L * text.Count(c => c is '&' or '<' or '>' or '\'' or '"'));
        return text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("'", "&#39;").Replace("\"", "&#34;");
    }

    /// <summary>Markup of any value: what is HTML stays, the rest is escaped.</summary>
    public static TemplateMarkup Escaped(TemplateRun run, object? value) =>
        value as TemplateMarkup ?? new TemplateMarkup(EscapeHtml(run, TemplateRepresentation.Text(run, value)));

    /// <summary>Text without lone surrogates: each becomes U+FFFD.</summary>
    public static string WellFormed(string text) => HasPairs(text) ? string.Concat(text.EnumerateRunes().Select(rune => rune.ToString())) : text;
}
