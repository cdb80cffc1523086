using System.Text.Json;
using Vernier.Evaluation;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

public class RougeTests
{
    private const double Tolerance = 1e-9;

    public static TheoryData<string> InstanceFiles => Goldens("superni*.json");

    public static TheoryData<string> StemFiles => Goldens("porter_stems.json");

    public static TheoryData<string> PairFiles => Goldens("pairs.json");

    [Theory]
    [MemberData(nameof(StemFiles))]
    public void StemsAreThoseOfTheReference(string file)
    {
        var wrong = GoldenJson.Read(SharedFiles.At(file)).EnumerateObject()
            .Where(pair => PorterStemmer.Stem(pair.Name) != pair.Value.GetString())
            .Select(pair => $"{pair.Name}: {PorterStemmer.Stem(pair.Name)} instead of {pair.Value}");
        Assert.Empty(wrong);
    }

    [Theory]
    [MemberData(nameof(PairFiles))]
    public void ScoresAreThoseOfTheReference(string file)
    {
        foreach (var pair in GoldenJson.Read(SharedFiles.At(file)).EnumerateArray())
        {
            var prediction = pair.GetProperty("prediction").GetString()!;
            var references = pair.GetProperty("references").Strings();
            foreach (var (name, stem) in new[] { ("nostem", false), ("stem", true) })
            {
                var rouge = new Rouge(stem);
                var expected = pair.GetProperty("rouge_vs_first_reference_prf").GetProperty(name);
                AssertEqual(expected.GetProperty("rouge1"), rouge.ByNgrams(1, prediction, references[0]));
                AssertEqual(expected.GetProperty("rouge2"), rouge.ByNgrams(2, prediction, references[0]));
                AssertEqual(expected.GetProperty("rougeL"), rouge.ByLongestSubsequence(prediction, references[0]));
                AssertEqual(expected.GetProperty("rougeLsum"), rouge.BySummaryLines(prediction, references[0]));
            }
            AssertAnswer(pair.GetProperty("ni"), prediction, references);
            Assert.Equal(pair.GetProperty("normalized").GetProperty("prediction").GetString(), AnswerMetric.Normalize(prediction));
            Assert.Equal(pair.GetProperty("normalized").GetProperty("references").Strings(), references.Select(AnswerMetric.Normalize));
        }
    }

    [Theory]
    [MemberData(nameof(InstanceFiles))]
    public void AnswersScoreAsInTheReference(string file)
    {
        var instances = GoldenJson.Read(SharedFiles.At(file)).GetProperty("instances").EnumerateArray().ToList();
        Assert.NotEmpty(instances);
        foreach (var instance in instances)
        {
            var references = instance.GetProperty("references").Strings();
            AssertAnswer(instance.GetProperty("scores"), instance.GetProperty("prediction").GetString()!, references);
            AssertAnswer(instance.GetProperty("scores_first_line"), instance.GetProperty("prediction_first_line").GetString()!, references);
        }
    }

    private static TheoryData<string> Goldens(string pattern) => [.. SharedFiles.Match("goldens/eval/rouge", pattern).Select(SharedFiles.NameOf)];

    private static void AssertAnswer(JsonElement expected, string prediction, string[] references)
    {
        Assert.Equal(expected.GetProperty("exact_match").GetDouble(), AnswerMetric.ExactMatch(prediction, references), Tolerance);
        Assert.Equal(expected.GetProperty("rouge1").GetDouble(), AnswerMetric.Rouge1(prediction, references), Tolerance);
        Assert.Equal(expected.GetProperty("rougeL").GetDouble(), AnswerMetric.RougeL(prediction, references), Tolerance);
    }

    private static void AssertEqual(JsonElement expected, RougeScore actual)
    {
        Assert.Equal(expected[0].GetDouble(), actual.Precision, Tolerance);
        Assert.Equal(expected[1].GetDouble(), actual.Recall, Tolerance);
        Assert.Equal(expected[2].GetDouble(), actual.F1, Tolerance);
    }
}
