namespace Vernier.Evaluation;

/// <summary>The exact string that a published perplexity is about. Two ways to build it differ by thousands of tokens.</summary>
internal static class EvaluationText
{
    /// <summary>The text of a file for one convention.</summary>
    /// <param name="task">wikitext2, ptb, ptb-new, or anything else for the file as it is.</param>
    public static string Build(string task, string fileText, PerplexityConvention convention) => task switch
    {
        // llama.cpp and lm-eval read the raw file
        "wikitext2" when convention is PerplexityConvention.Gptq or PerplexityConvention.Strided => WikitextRows(fileText),
        "ptb" => PennSentences(fileText, "\n\n"),
        "ptb-new" => PennSentences(fileText, " "),
        _ => fileText,
    };

    /// <summary>The rows of the Hugging Face data set wikitext-2-raw-v1 joined by an empty line, as GPTQ reads them: a line of white space is an empty row,
    /// any other keeps its line feed.</summary>
    public static string WikitextRows(string fileText) =>
        string.Join("\n\n", TextFile.Lines(fileText).Select(line => line.All(PythonText.IsSpace) ? "" : line + "\n"));

    /// <summary>The sentences of Penn Treebank: stripped lines, joined by an empty line (GPTQ's ptb) or by a space (its ptb-new).</summary>
    public static string PennSentences(string fileText, string separator) =>
        string.Join(separator, TextFile.Lines(fileText).Select(PythonText.Strip));

    /// <summary>The pages of raw WikiText: cut before each line that is a heading of level one.</summary>
    public static IReadOnlyList<string> WikitextPages(string fileText)
    {
        var pages = new List<string>();
        var page = new List<string>();
        foreach (var line in fileText.Split('\n'))
        {
            var heading = PythonText.Strip(line.Replace("= = =", "===").Replace("= =", "=="));
            if (heading.StartsWith("= ", StringComparison.Ordinal) && heading.EndsWith(" =", StringComparison.Ordinal))
            {
                Flush();
                page.Clear();
            }
            page.Add(line);
        }
        Flush();
        return pages;

        void Flush()
        {
            var text = string.Join('\n', page);
            if (!text.All(PythonText.IsSpace))
                pages.Add(text);
        }
    }
}
