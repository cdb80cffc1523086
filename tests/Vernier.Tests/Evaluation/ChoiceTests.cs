using Vernier.Evaluation;
using Vernier.Evaluation.Tasks;
using Vernier.Reading;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

public class ChoiceTests
{
    public static TheoryData<string> Files => ChoiceGolden.Rows;

    [SharedTheory("goldens/eval/lm_eval")]
    [MemberData(nameof(Files))]
    public void DocumentsAreThoseOfTheReference(string file)
    {
        foreach (var part in ChoiceGolden.Read(file).Parts)
        {
            Assert.Equal(part.ExpectedPrefix, part.Prefix);
            Assert.NotEmpty(part.Documents);
            foreach (var ((document, _, _), expected) in part.Documents.Zip(part.Expected))
            {
                Assert.Equal(expected.GetProperty("gold").GetInt32(), document.Gold);
                var choices = expected.GetProperty("choices");
                Assert.Equal(choices.GetArrayLength(), document.Choices.Count);
                foreach (var (choice, wanted) in document.Choices.Zip(choices.EnumerateArray()))
                {
                    var context = wanted.TryGetProperty("context", out var own) ? own : expected.GetProperty("context");
                    Assert.Equal(context.GetString(), choice.Context);
                    Assert.Equal(wanted.GetProperty("continuation").GetString(), choice.Continuation);
                    Assert.Equal(wanted.GetProperty("norm_chars").GetInt32(), choice.NormChars);
                }
            }
        }
    }

    [SharedTheory("goldens/eval/lm_eval")]
    [MemberData(nameof(Files))]
    public void LogLikelihoodsBecomeTheReferencesScores(string file)
    {
        var golden = ChoiceGolden.Read(file);
        var samples = new List<ChoiceSample>();
        foreach (var part in golden.Parts)
        {
            var values = new Queue<double>(part.Expected.SelectMany(d => d.GetProperty("choices").EnumerateArray()).Select(c => c.GetProperty("loglikelihood").GetDouble()));
            var scorer = new FakeScorer(_ => [(float)values.Dequeue()]);
            samples.AddRange(new ChoiceEvaluation(scorer, new ByteTokenizer(), 1 << 20).Run(golden.Task, part.Documents, part.Prefix));
        }
        var result = ChoiceEvaluation.Summarize(golden.Task, golden.Shots, samples, keepSamples: true);
        Assert.Equal(golden.Json.GetProperty("n").GetInt32(), result.N);
        Assert.Equal(golden.Json.GetProperty("acc").GetDouble(), result.Acc, 1e-9);
        Assert.Equal(golden.Json.GetProperty("brier").GetDouble(), result.Brier, 1e-5);
        if (golden.Json.TryGetProperty("acc_norm", out var norm))
            Assert.Equal(norm.GetDouble(), result.AccNorm!.Value, 1e-9);
        else
            Assert.Null(result.AccNorm);
        foreach (var (sample, expected) in samples.Zip(golden.Parts.SelectMany(p => p.Expected)))
        {
            Assert.Equal(expected.GetProperty("pred").GetInt32(), sample.Pred);
            Assert.Equal(expected.GetProperty("idx").GetInt64(), sample.Idx);
            if (expected.TryGetProperty("pred_norm", out var predicted))
                Assert.Equal(predicted.GetInt32(), sample.PredNorm);
        }
    }

    [Fact]
    public void StandardErrorIsThatOfTheMean()
    {
        var samples = new[] { 1, 0, 0, 1, 1 }.Select((acc, i) => new ChoiceSample(i, i, 0, 0, null) { Acc = acc, Brier = 0, Choices = [] }).ToList();
        var result = ChoiceEvaluation.Summarize(Mmlu.Task, 0, samples, keepSamples: false);
        Assert.Equal(0.6, result.Acc, 1e-12);
        Assert.Equal(Math.Sqrt(0.3 / 5), result.AccStderr!.Value, 1e-12);
        Assert.Null(result.Samples);
        Assert.Null(ChoiceEvaluation.Summarize(Mmlu.Task, 0, samples[..1], keepSamples: false).AccStderr);
    }

    [SharedFact("data/mmlu/categories.json")]
    public void CategoriesAreThoseOfTheReference()
    {
        foreach (var subject in GoldenJson.Read(SharedFiles.At("data/mmlu/categories.json")).EnumerateObject())
            Assert.Equal(subject.Value.GetString(), Mmlu.Category(subject.Name));
    }

    [Fact]
    public void HellaSwagsPublishedFormIsCleaned()
    {
        using var json = System.Text.Json.JsonDocument.Parse("""
            {"activity_label":"Making tea","ctx_a":"[header] Boil it. [title] Then","ctx_b":"the Cup","endings":["is [substeps] full."," b"],"label":1}
            """);
        var record = new JsonRecord(json.RootElement, "here");
        var document = HellaSwag.Task.Read(record);
        Assert.Equal("Making tea: Boil it.. Then The cup", document.Choices[0].Context);
        Assert.Equal(" is full.", document.Choices[0].Continuation);
        Assert.Equal(" b", document.Choices[1].Continuation);
        Assert.Equal(1, document.Gold);
    }

    [Theory]
    [InlineData("piqa", "{\"goal\":\"g\",\"sol1\":\"a\",\"label\":0}", "no field 'sol2'")]
    [InlineData("piqa", "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":2}", "whole number below 2")]
    [InlineData("piqa", "{\"goal\":3,\"sol1\":\"a\",\"sol2\":\"b\",\"label\":1}", "expected a string, found number 3")]
    [InlineData("arc_easy", "{\"question\":\"q\",\"choices\":{\"text\":[\"a\"],\"label\":[\"A\"]},\"answerKey\":\"B\"}", "answerKey 'B'")]
    [InlineData("winogrande", "{\"sentence\":\"no blank\",\"option1\":\"a\",\"option2\":\"b\",\"answer\":\"1\"}", "no blank")]
    [InlineData("hellaswag", "{\"query\":\"q\",\"choices\":[1],\"gold\":0}", "array of strings")]
    [InlineData("piqa", "{\"goal\":\"g\\ud800\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":1}", "lone surrogate")]
    public void AWrongRecordNamesFileAndLine(string task, string record, string expected)
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "\n" + record + "\n");
        var error = Assert.Throws<InvalidDataException>(() => Evaluate(new EvaluationOptions { Task = task, Data = path }));
        File.Delete(path);
        Assert.Contains($"{path}: line 2", error.Message);
        Assert.Contains(expected, error.Message);
    }

    [Fact]
    public void AChoiceThatCannotBeScoredNamesFileAndLine()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, """{"goal":"g","sol1":"a","sol2":"b","label":0}""" + "\n" + """{"goal":"g","sol1":"0123456789","sol2":"b","label":0}""");
        var error = Assert.Throws<InvalidDataException>(() => new Evaluator(FakeScorer.ById(), new ByteTokenizer(), 8).Run(new EvaluationOptions { Task = "piqa", Data = path }));
        File.Delete(path);
        Assert.Contains($"{path}: line 2: the choice ' 0123456789' cannot be scored", error.Message);
    }

    [Theory]
    [InlineData("piqa", null, null, "needs data")]
    [InlineData("piqa", "x", 3, "shots-data")]
    [InlineData("no such task", null, null, "expected a text file, wikitext2")]
    public void OptionsThatDoNotGoTogetherAreRefused(string task, string? data, int? shots, string expected)
    {
        var error = Assert.Throws<ArgumentException>(() => Evaluate(new EvaluationOptions { Task = task, Data = data, Shots = shots }));
        Assert.Contains(expected, error.Message);
    }

    [SharedFact("data/mmlu")]
    public void MmluRunsSubjectsInOrderBehindTheirOwnExamples()
    {
        var scorer = FakeScorer.ById();
        var evaluator = new Evaluator(scorer, new ByteTokenizer(), 1 << 20);
        var result = (ChoiceResult)evaluator.Run(new EvaluationOptions { Task = "mmlu", Data = SharedFiles.At("data/mmlu"), Limit = 2, LogSamples = true });
        var subjects = Directory.EnumerateFiles(SharedFiles.At("data/mmlu/test")).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(subjects.SelectMany(s => new[] { s, s }), result.Samples!.Select(s => s.Subject));
        Assert.Equal(5, result.Shots);
        Assert.Equal(8 * subjects.Count, scorer.Seen.Count);
        Assert.Equal(subjects.Count, result.BySubject!.Count);
        var text = new ByteTokenizer().Decode(scorer.Seen[0].Ids);
        Assert.StartsWith($"The following are multiple choice questions (with answers) about {subjects[0]!.Replace('_', ' ')}.\n\n", text);
        Assert.Equal(6, text.Split("\nAnswer:").Length - 1);
    }

    [SharedFact("data/superni")]
    public void NaturalInstructionsAreAnsweredByTheGenerator()
    {
        var prompts = new List<string>();
        var evaluator = new Evaluator(FakeScorer.ById(), new ByteTokenizer(), 1 << 20, (prompt, chat, maxTokens) =>
        {
            Assert.True(chat);
            Assert.Equal(7, maxTokens);
            prompts.Add(prompt);
            return " POS \n";
        });
        var data = SharedFiles.Match("data/superni", "*sst2*.json").First();
        var result = (GenerationResult)evaluator.Run(new EvaluationOptions { Task = "superni", Data = data, Limit = 4, Chat = true, MaxTokens = 7, LogSamples = true });
        Assert.Equal(4, result.N);
        Assert.All(result.Samples!, s => Assert.Equal("POS", s.Prediction));
        Assert.Equal(25 * result.Samples!.Count(s => s.References.Contains("POS")), result.ExactMatch, 1e-9);
        Assert.All(prompts, p => Assert.EndsWith("\nOutput:", p));
    }

    private static EvaluationResult Evaluate(EvaluationOptions options) => new Evaluator(FakeScorer.ById(), new ByteTokenizer(), 1 << 20).Run(options);
}
