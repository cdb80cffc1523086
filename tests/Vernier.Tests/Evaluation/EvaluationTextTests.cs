using System.Text;
using Vernier.Evaluation;
using Vernier.Reading;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

public class EvaluationTextTests
{
    public static TheoryData<string> Streams => PerplexityGolden.StreamRows;

    public static TheoryData<string> Rollings => PerplexityGolden.RollingRows;

    [SharedTheory("goldens/eval/perplexity")]
    [MemberData(nameof(Streams))]
    public void TextIsTheReferencesCharacterByCharacter(string file)
    {
        var golden = PerplexityGolden.Read(file);
        var text = EvaluationText.Build(golden.Task, TextFile.Read(golden.DataPath), golden.Convention);
        Assert.Equal(golden.Json.GetProperty("chars").GetInt32(), PythonText.Length(text));
        Assert.Equal(golden.Json.GetProperty("sha256_text").GetString(), GoldenJson.Sha256(text));
    }

    [SharedTheory("goldens/eval/perplexity")]
    [MemberData(nameof(Rollings))]
    public void PagesAreCutAndDetokenisedAsInTheReference(string file)
    {
        var golden = PerplexityGolden.Read(file);
        var pages = EvaluationText.WikitextPages(TextFile.Read(golden.DataPath));
        Assert.Equal(golden.Json.GetProperty("pages_in_set").GetInt32(), pages.Count);
        foreach (var doc in golden.Json.GetProperty("docs").EnumerateArray())
        {
            var page = pages[doc.GetProperty("page").GetInt32()];
            var text = WikitextDetokenizer.Detokenize(page);
            Assert.Equal(doc.GetProperty("page_chars").GetInt32(), PythonText.Length(page));
            Assert.Equal(doc.GetProperty("words").GetInt32(), PythonText.CountSplits(page));
            Assert.Equal(doc.GetProperty("bytes").GetInt32(), Encoding.UTF8.GetByteCount(page));
            Assert.Equal(doc.GetProperty("detok_sha256").GetString(), GoldenJson.Sha256(text));
            var windows = PerplexityWindows.Rolling(new int[doc.GetProperty("tokens").GetInt32()], golden.Context, 1)
                .Select(w => new[] { w.From, w.Scored });
            Assert.Equal(doc.GetProperty("windows_ctx_pred").EnumerateArray().Select(w => w.Ints()), windows);
        }
    }

    [SharedTheory("goldens/eval/perplexity")]
    [MemberData(nameof(Streams))]
    public void WindowsScoreWhatTheReferenceScores(string file)
    {
        var golden = PerplexityGolden.Read(file);
        var tokens = golden.Json.TryGetProperty("tokens_used", out var used) ? used.GetInt32() : golden.Json.GetProperty("tokens").GetInt32();
        List<ScoringRequest> windows = [.. golden.Convention switch
        {
            PerplexityConvention.Gptq => PerplexityWindows.Gptq(new int[tokens], golden.Context),
            PerplexityConvention.Llamacpp => PerplexityWindows.LlamaCpp(new int[tokens], golden.Context, null),
            _ => PerplexityWindows.Strided(new int[tokens], golden.Context, golden.Context / 2),
        }];
        if (golden.Json.TryGetProperty("windows_in_full_text", out var all))
            Assert.Equal(all.GetInt32(), windows.Count);
        foreach (var expected in golden.Json.GetProperty("per_window").EnumerateArray())
        {
            var window = windows[expected.GetProperty("w").GetInt32()];
            Assert.Equal(expected.GetProperty("tokens").GetInt32(), window.Ids.Length);
            Assert.Equal(expected.GetProperty("scored").GetInt32(), window.Scored);
        }
    }

    [Fact]
    public void StridedWindowsScoreEveryTokenButTheFirstOnce()
    {
        for (var tokens = 2; tokens < 40; tokens++)
        {
            var windows = PerplexityWindows.Strided([.. Enumerable.Range(0, tokens)], 8, 4);
            Assert.Equal(Enumerable.Range(1, tokens - 1), windows.SelectMany(w => w.Ids[w.From..]));
        }
    }

    [Fact]
    public void RollingWindowsScoreEveryTokenOnceAndFitTheContext()
    {
        for (var tokens = 1; tokens < 40; tokens++)
        {
            var windows = PerplexityWindows.Rolling([.. Enumerable.Range(0, tokens)], 8, 99).ToList();
            Assert.Equal(Enumerable.Range(0, tokens), windows.SelectMany(w => w.Ids[w.From..]));
            Assert.All(windows, w => Assert.InRange(w.InputTokens, 1, 8));
        }
    }

    [Fact]
    public void LlamaCppWindowsBeginWithBosWhereItIsWanted() =>
        Assert.All(PerplexityWindows.LlamaCpp([5, 6, 7, 8, 9, 10, 11, 12, 13], 4, 1), w =>
        {
            Assert.Equal(1, w.Ids[0]);
            Assert.Equal(1, w.Scored);
        });

    [Fact]
    public void ALineOfWhiteSpaceIsAnEmptyRow() =>
        Assert.Equal("\n\n = A = \n\n\n\n\nb\n", EvaluationText.WikitextRows(" \n = A = \n \nb"));

    [Theory]
    [InlineData(new byte[0], "empty")]
    [InlineData(new byte[] { 65, 0, 66 }, "zero byte at offset 1")]
    [InlineData(new byte[] { 65, 66, 0xff }, "found bytes at offset 2 (line 1) that are not UTF-8")]
    public void FilesThatAreNoTextAreRefused(byte[] content, string expected)
    {
        var path = Path.GetTempFileName();
        File.WriteAllBytes(path, content);
        var error = Assert.Throws<InvalidDataException>(() => TextFile.Read(path));
        File.Delete(path);
        Assert.Contains(expected, error.Message);
        Assert.StartsWith(path, error.Message);
    }
}
