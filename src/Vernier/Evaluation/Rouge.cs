using System.Runtime.InteropServices;
using System.Text;

namespace Vernier.Evaluation;

/// <summary>ROUGE (C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004) as the rouge_score package computes it.</summary>
/// <param name="stem">Words of more than three characters are stemmed.</param>
internal sealed class Rouge(bool stem)
{
    /// <summary>Overlap of n-grams, counted with their multiplicity.</summary>
    public RougeScore ByNgrams(int n, string prediction, string reference)
    {
        var predicted = Ngrams(Tokenize(prediction), n, out var predictedCount);
        var expected = Ngrams(Tokenize(reference), n, out var expectedCount);
        var overlap = 0;
        foreach (var (ngram, count) in expected)
            overlap += Math.Min(count, predicted.GetValueOrDefault(ngram));
        return new RougeScore((double)overlap / Math.Max(predictedCount, 1), (double)overlap / Math.Max(expectedCount, 1));
    }

    /// <summary>Longest common subsequence of the whole texts (ROUGE-L).</summary>
    public RougeScore ByLongestSubsequence(string prediction, string reference)
    {
        var predicted = Tokenize(prediction);
        var expected = Tokenize(reference);
        if (predicted.Count == 0 || expected.Count == 0)
            return default;
        var length = SubsequenceTable(expected, predicted)[expected.Count, predicted.Count];
        return new RougeScore((double)length / predicted.Count, (double)length / expected.Count);
    }

    /// <summary>ROUGE-L of summaries: for each line of the reference the union of its common subsequences with all lines of the prediction (ROUGE-Lsum).</summary>
    public RougeScore BySummaryLines(string prediction, string reference)
    {
        var predicted = Lines(prediction);
        var expected = Lines(reference);
        var predictedLeft = Counts(predicted, out var predictedCount);
        var expectedLeft = Counts(expected, out var expectedCount);
        if (predictedCount == 0 || expectedCount == 0)
            return default;
        var hits = 0;
        foreach (var line in expected)
        {
            var common = new bool[line.Count];
            foreach (var other in predicted)
                MarkCommon(line, other, common);
            for (var i = 0; i < line.Count; i++)
                if (common[i] && predictedLeft.GetValueOrDefault(line[i]) > 0 && expectedLeft[line[i]] > 0)
                {
                    hits++;
                    predictedLeft[line[i]]--;
                    expectedLeft[line[i]]--;
                }
        }
        return new RougeScore((double)hits / predictedCount, (double)hits / expectedCount);
    }

    /// <summary>The words that are compared: lower case, only ASCII letters and digits.</summary>
    internal List<string> Tokenize(string text)
    {
        var tokens = new List<string>();
        var word = new StringBuilder();
        foreach (var c in PythonText.Lower(text))
            if (char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c))
                word.Append(c);
            else
                Flush();
        Flush();
        return tokens;

        void Flush()
        {
            if (word.Length == 0)
                return;
            var token = word.ToString();
            tokens.Add(stem && token.Length > 3 ? PorterStemmer.Stem(token) : token);
            word.Clear();
        }
    }

    private List<List<string>> Lines(string text) => [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Tokenize)];

    private static Dictionary<string, int> Ngrams(List<string> tokens, int n, out int count)
    {
        var counts = new Dictionary<string, int>();
        for (var i = 0; i + n <= tokens.Count; i++)
            CollectionsMarshal.GetValueRefOrAddDefault(counts, string.Join(' ', tokens.GetRange(i, n)), out _)++;
        count = Math.Max(tokens.Count - n + 1, 0);
        return counts;
    }

    private static Dictionary<string, int> Counts(List<List<string>> lines, out int count)
    {
        var counts = new Dictionary<string, int>();
        count = 0;
        foreach (var line in lines)
            foreach (var token in line)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, token, out _)++;
                count++;
            }
        return counts;
    }

    /// <summary>[i, j] = length of the longest common subsequence of the first i and the first j tokens.</summary>
    private static int[,] SubsequenceTable(List<string> a, List<string> b)
    {
        var table = new int[a.Count + 1, b.Count + 1];
        for (var i = 1; i <= a.Count; i++)
            for (var j = 1; j <= b.Count; j++)
                table[i, j] = a[i - 1] == b[j - 1] ? table[i - 1, j - 1] + 1 : Math.Max(table[i - 1, j], table[i, j - 1]);
        return table;
    }

    /// <summary>Marks the tokens of <paramref name="line"/> that lie on one longest common subsequence with <paramref name="other"/>.
    /// Where several are equally long, the walk back prefers to drop a token of the line.</summary>
    private static void MarkCommon(List<string> line, List<string> other, bool[] common)
    {
        var table = SubsequenceTable(line, other);
        var (i, j) = (line.Count, other.Count);
        while (i > 0 && j > 0)
            if (line[i - 1] == other[j - 1])
            {
                common[i - 1] = true;
                i--;
                j--;
            }
            else if (table[i, j - 1] > table[i - 1, j])
            {
                j--;
            }
            else
            {
                i--;
            }
    }
}
