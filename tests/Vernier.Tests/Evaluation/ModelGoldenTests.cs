using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Vernier.Evaluation;
using Vernier.Reading;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

/// <summary>Evaluation of the reference model, against the references' own figures. Without VERNIER_LONG=1 only the first windows and documents.</summary>
public class ModelGoldenTests(ReferenceModel model) : IClassFixture<ReferenceModel>
{
    public static TheoryData<string> Streams => PerplexityGolden.StreamRows;

    public static TheoryData<string> Rollings => PerplexityGolden.RollingRows;

    public static TheoryData<string> Choices => ChoiceGolden.Rows;

    [SharedTheory(ReferenceModel.RelativePath)]
    [MemberData(nameof(Streams))]
    public void PerplexityByWindows(string file)
    {
        var golden = PerplexityGolden.Read(file);
        var ids = model.Tokenizer.Encode(EvaluationText.Build(golden.Task, TextFile.Read(golden.DataPath), golden.Convention));
        AssertIds(golden.Json, ids);
        if (golden.Json.TryGetProperty("tokens_used", out var used))
            ids = ids[..used.GetInt32()];

        var expected = golden.Json.GetProperty("per_window").EnumerateArray().Take(ReferenceModel.Take(1)).ToList();
        var result = new Perplexity(model.Scorer, model.Tokenizer, model.Decoder.Config.ContextLength)
            .Measure(golden.Task, ids, golden.Convention, golden.Context, expected.Max(w => w.GetProperty("w").GetInt32()) + 1);
        foreach (var window in expected)
            Assert.Equal(window.GetProperty("nll_mean").GetDouble(), result.PerWindow[window.GetProperty("w").GetInt32()].NllMean, 2e-4);
        if (expected.Count == golden.Json.GetProperty("windows").GetInt32())
            AssertRelative(golden.Json.GetProperty("ppl_over_these_windows").GetDouble(), result.Perplexity, 5e-4);
    }

    [SharedTheory(ReferenceModel.RelativePath)]
    [MemberData(nameof(Rollings))]
    public void RollingPerplexityByDocuments(string file)
    {
        var golden = PerplexityGolden.Read(file);
        var pages = EvaluationText.WikitextPages(TextFile.Read(golden.DataPath));
        var expected = golden.Json.GetProperty("docs").EnumerateArray().OrderBy(d => d.GetProperty("tokens").GetInt32()).Take(ReferenceModel.Take(3)).ToList();
        var perplexity = new Perplexity(model.Scorer, model.Tokenizer, model.Decoder.Config.ContextLength);
        var result = perplexity.Rolling(golden.Task, [.. expected.Select(d => pages[d.GetProperty("page").GetInt32()])], detokenize: true, golden.Context, null);
        foreach (var (doc, window) in expected.Zip(result.PerWindow))
        {
            AssertIds(doc, model.Tokenizer.Encode(WikitextDetokenizer.Detokenize(pages[doc.GetProperty("page").GetInt32()])));
            Assert.Equal(doc.GetProperty("loglikelihood").GetDouble(), -window.NllSum, 2e-4 * window.Scored);
        }
        if (expected.Count == golden.Json.GetProperty("pages").GetInt32())
        {
            AssertRelative(golden.Json.GetProperty("word_perplexity").GetDouble(), result.WordPerplexity!.Value, 5e-4);
            AssertRelative(golden.Json.GetProperty("byte_perplexity").GetDouble(), result.BytePerplexity!.Value, 5e-4);
            AssertRelative(golden.Json.GetProperty("bits_per_byte").GetDouble(), result.BitsPerByte!.Value, 5e-4);
        }
    }

    [SharedTheory(ReferenceModel.RelativePath)]
    [MemberData(nameof(Choices))]
    public void MultipleChoiceByDocuments(string file)
    {
        var golden = ChoiceGolden.Read(file, ReferenceModel.Take(3));
        var evaluation = new ChoiceEvaluation(model.Scorer, model.Tokenizer, model.Decoder.Config.ContextLength);
        foreach (var part in golden.Parts.Take(ReferenceModel.Take(1)))
            foreach (var (sample, expected) in evaluation.Run(golden.Task, part.Documents, part.Prefix).Zip(part.Expected))
            {
                foreach (var (choice, wanted) in sample.Choices.Zip(expected.GetProperty("choices").EnumerateArray()))
                {
                    Assert.Equal(wanted.GetProperty("continuation_tokens").GetInt32(), choice.ContinuationTokens);
                    AssertLikelihood(wanted, choice.Loglikelihood, choice.ContinuationTokens, choice.IsGreedy);
                }
                if (expected.GetProperty("margin").GetDouble() > 0.02)
                    Assert.Equal(expected.GetProperty("pred").GetInt32(), sample.Pred);
            }
    }

    [SharedFact(ReferenceModel.RelativePath)]
    public void ContinuationsAtTokenBoundaries()
    {
        var cases = GoldenJson.Read(GoldenJson.At("lm_eval", "encode_pair.json")).EnumerateArray().ToList();
        var requests = cases.Select(c => ContinuationEncoding.Encode(model.Tokenizer, c.GetProperty("context").GetString()!, c.GetProperty("continuation").GetString()!)).ToList();
        foreach (var ((golden, request), score) in cases.Zip(requests).Zip(model.Scorer.Score(requests)))
        {
            Assert.Equal(golden.GetProperty("context_ids").Ints(), request.Ids[..request.From]);
            Assert.Equal(golden.GetProperty("continuation_ids").Ints(), request.Ids[request.From..]);
            AssertLikelihood(golden, score.Sum, request.Scored, score.IsGreedy);
        }
    }

    private static void AssertLikelihood(JsonElement expected, double sum, int scored, bool greedy)
    {
        Assert.Equal(expected.GetProperty("loglikelihood").GetDouble(), sum, 2e-3 + 1e-4 * scored);
        Assert.Equal(expected.GetProperty("is_greedy").GetBoolean(), greedy);
    }

    private static void AssertIds(JsonElement expected, int[] ids)
    {
        Assert.Equal(expected.GetProperty("tokens").GetInt32(), ids.Length);
        Assert.Equal(expected.GetProperty("sha256_ids_int32le").GetString(), Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<int>(ids))));
    }

    private static void AssertRelative(double expected, double actual, double tolerance) => Assert.Equal(expected, actual, tolerance * expected);
}
