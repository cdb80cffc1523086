using System.Text.RegularExpressions;

namespace Vernier.Evaluation;

/// <summary>Turns WikiText's tokenised spelling back into running text, by the rules of lm-evaluation-harness' wikitext task.</summary>
internal static partial class WikitextDetokenizer
{
    private static readonly (string From, string To)[] Separators =
    [
        (" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."),
        (" : ", ": "), (" ; ", "; "), (" . ", ". "), (" ! ", "! "), (" ? ", "? "), (" , ", ", "),
    ];

    private static readonly (string From, string To)[] Rest =
    [
        ("= = = =", "===="), ("= = =", "==="), ("= =", "=="), (" \u00b0 ", "\u00b0"),
        (" \n", "\n"), ("\n ", "\n"), (" N ", " 1 "), (" 's", "'s"),
    ];

    public static string Detokenize(string page)
    {
        page = SlashQuote().Replace(page.Replace("s '", "s'"), "/'[0-9]/");
        page = ReplaceAll(page, Separators);
        page = Round().Replace(page, "($1)");
        page = Square().Replace(page, "[$1]");
        page = Curly().Replace(page, "{$1}");
        page = DoubleQuotes().Replace(page, "\"$1\"");
        page = SingleQuotes().Replace(page, "'$1'");
        return ReplaceAll(page, Rest);
    }

    private static string ReplaceAll(string text, (string From, string To)[] rules)
    {
        foreach (var (from, to) in rules)
            text = text.Replace(from, to);
        return text;
    }

    // a slip of the reference (slashes as in Perl) that its figures contain
    [GeneratedRegex("/' [0-9]/")]
    private static partial Regex SlashQuote();

    [GeneratedRegex(@"\(\s*([^\)]*?)\s*\)")]
    private static partial Regex Round();

    [GeneratedRegex(@"\[\s*([^\]]*?)\s*\]")]
    private static partial Regex Square();

    [GeneratedRegex(@"{\s*([^}]*?)\s*}")]
    private static partial Regex Curly();

    [GeneratedRegex("\"\\s*([^\"]*?)\\s*\"")]
    private static partial Regex DoubleQuotes();

    [GeneratedRegex(@"'\s*([^']*?)\s*'")]
    private static partial Regex SingleQuotes();
}
