using System.Text.RegularExpressions;

namespace Vernier.Tokens.Templates;

/// <summary>The filter <c>wordwrap</c>, by the rules of Python's textwrap.</summary>
internal static partial class TemplateWrap
{
    private const string Blanks = "\t\n\v\f\r ";

    public static object Wrap(TemplateRun run, object? value, TemplateBound arguments)
    {
        var text = TemplateValues.AsText(value) ?? throw TemplateValues.Wrong(run, value, $"wordwrap needs a text, not {TemplateValues.TypeName(value)}");
        var width = arguments.Integer(run, 0, 79);
        if (width <= 0)
            throw run.Error($"invalid width {width} (must be > 0)");
        var end = arguments.Get(2) is null ? "\n" : arguments.Text(run, 2);
        var (breaksWords, breaksHyphens) = (arguments.IsTrue(1, otherwise: true), arguments.IsTrue(3, otherwise: true));
        var lines = new List<object?>();
        run.Charge(text.Length);
        foreach (var line in TemplateText.Lines(run, text))
            lines.Add(TemplateFilters.JoinTexts(run, end, Fill(run, Chunks(run, line, breaksHyphens), (int)Math.Min(width, int.MaxValue), breaksWords, breaksHyphens), isStrict: true));
        return TemplateFilters.JoinTexts(run, end, lines, isStrict: true);
    }

    private static List<string> Chunks(TemplateRun run, string line, bool breaksHyphens)
    {
        try
        {
            return [.. (breaksHyphens ? Hyphenated() : Spaces()).Split(line).Where(chunk => chunk.Length > 0)];
        }
        catch (RegexMatchTimeoutException)
        {
            throw run.Error("wordwrap takes too long");
        }
    }

    private static List<object?> Fill(TemplateRun run, List<string> chunks, int width, bool breaksWords, bool breaksHyphens)
    {
        chunks.Reverse();
        var lines = new List<object?>();
        while (chunks.Count > 0)
        {
            run.Charge();
            var current = new List<string>();
            var length = 0;
            if (lines.Count > 0 && IsBlank(chunks[^1]))
                chunks.RemoveAt(chunks.Count - 1);
            while (chunks.Count > 0 && TemplateText.Count(chunks[^1]) is var next && length + next <= width)
                Take(next);
            if (chunks.Count > 0 && TemplateText.Count(chunks[^1]) > width)
                BreakWord(run, chunks, current, length, width, breaksWords, breaksHyphens);
            if (current.Count > 0 && IsBlank(current[^1]))
                current.RemoveAt(current.Count - 1);
            if (current.Count > 0)
                lines.Add(string.Concat(current));

            void Take(int size)
            {
                run.Charge();
                current.Add(chunks[^1]);
                chunks.RemoveAt(chunks.Count - 1);
                length += size;
            }
        }
        return lines;
    }

    private static void BreakWord(TemplateRun run, List<string> chunks, List<string> current, int length, int width, bool breaksWords, bool breaksHyphens)
    {
        var word = chunks[^1];
        run.ChargeSize(word.Length);
        if (!breaksWords)
        {
            if (current.Count > 0)
                return;
            current.Add(word);
            chunks.RemoveAt(chunks.Count - 1);
            return;
        }
        var end = TemplateText.ToIndex(word, Math.Max(1, width - length));
        if (breaksHyphens && word.Length > end && word.LastIndexOf('-', end - 1) is > 0 and var hyphen && word.AsSpan(0, hyphen).ContainsAnyExcept('-'))
            end = hyphen + 1;
        current.Add(word[..end]);
        chunks[^1] = word[end..];
    }

    private static bool IsBlank(string chunk) => TemplateText.Strip(chunk, null, left: true, right: true).Length == 0;

    [GeneratedRegex($"([{Blanks}]+)", RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Spaces();

    [GeneratedRegex(
        $"""([{Blanks}]+|(?<=[\w!"'&.,?])-{"{2,}"}(?=\w)|[^{Blanks}]+?(?:-(?:(?<=[^\d\W]{"{2}"}-)|(?<=[^\d\W]-[^\d\W]-))(?=[^\d\W]-?[^\d\W])|(?=[{Blanks}]|\z)|(?<=[\w!"'&.,?])(?=-{"{2,}"}\w)))""",
        RegexOptions.None, matchTimeoutMilliseconds: 2000)]
    private static partial Regex Hyphenated();
}
