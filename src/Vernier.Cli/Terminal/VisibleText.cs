using System.Globalization;
using System.Text;

namespace Vernier.Cli.Terminal;

/// <summary>Text that a terminal shows and never obeys: control characters, marks that turn the direction of text, and halves of surrogate pairs
/// are written out (<c>\x1b</c>, <c>\u202e</c>).</summary>
internal static class VisibleText
{
    /// <summary>A text of one line: line breaks and tabs in it are written out too.</summary>
    public static string Line(string text) => Of(text, lines: false);

    /// <summary>A text of many lines: line feeds, tabs and the marks of right-to-left writing stay.</summary>
    public static string Lines(string text) => Of(text, lines: true);

    /// <summary>Columns that a text takes on a terminal.</summary>
    public static int Columns(string text)
    {
        var columns = 0;
        foreach (var rune in text.EnumerateRunes())
            columns += Columns(rune);
        return columns;
    }

    /// <summary>The start of a text, as much as fits.</summary>
    public static string Cut(string text, int columns)
    {
        if (Columns(text) <= columns)
            return text;
        var kept = new StringBuilder();
        var taken = 1; // of the mark of what is missing
        foreach (var rune in text.EnumerateRunes())
        {
            taken += Columns(rune);
            if (taken > columns)
                break;
            kept.Append(rune.ToString());
        }
        return columns < 1 ? "" : kept.Append('…').ToString();
    }

    private static int Columns(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control => 0,
        _ => IsWide(rune.Value) ? 2 : 1,
    };

    /// <summary>The wide ranges of Unicode's East Asian Width, joined where only unassigned ones lie between.</summary>
    private static bool IsWide(int code) => code is >= 0x1100 and (<= 0x115F or (>= 0x2E80 and <= 0x303E) or (>= 0x3041 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6)
        or (>= 0x1F300 and <= 0x1F64F) or (>= 0x1F680 and <= 0x1F6FF) or (>= 0x1F900 and <= 0x1F9FF) or (>= 0x20000 and <= 0x3FFFD));

    private static string Of(string text, bool lines)
    {
        var at = 0;
        while (at < text.Length && text[at] is >= ' ' and <= '~')
            at++;
        if (at == text.Length)
            return text;
        var shown = new StringBuilder(text.Length + 16).Append(text, 0, at);
        while (at < text.Length)
        {
            if (Rune.TryGetRuneAt(text, at, out var rune))
            {
                Append(shown, rune, lines, next: at + 1 < text.Length ? text[at + 1] : '\0');
                at += rune.Utf16SequenceLength;
            }
            else
            {
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[at++]:x4}");
            }
        }
        return shown.ToString();
    }

    private static void Append(StringBuilder shown, Rune rune, bool lines, char next)
    {
        var code = rune.Value;
        if (IsPlain(rune) || (lines && (code is '\n' or '\t' or 0x200E or 0x200F || (code == '\r' && next == '\n'))))
            shown.Append(rune.ToString());
        else
            shown.Append(code switch
            {
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < 0x100 => string.Create(CultureInfo.InvariantCulture, $"\\x{code:x2}"),
                < 0x10000 => string.Create(CultureInfo.InvariantCulture, $"\\u{code:x4}"),
                _ => string.Create(CultureInfo.InvariantCulture, $"\\U{code:x8}"),
            });
    }

    private static bool IsPlain(Rune rune) => rune.Value is 0x200C or 0x200D // they join and part the letters of some scripts
        || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
