using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Gguf.Blocks;
using Vernier.TestSupport;
using Vernier.Tuning;
using Xunit.Abstractions;

namespace Vernier.LlamaCpp.Tests;

/// <summary>Every family that Vernier writes as GGUF, opened by llama.cpp: random models of goldens/families as F32, and those of goldens/formats/gguf_families
/// after their scales were tuned. Differences are means over all ids, in nats.</summary>
public sealed class FamilyScoreTests(ITestOutputHelper output) : IDisposable
{
    private const string Folders = "goldens/families";
    private const string Files = "goldens/formats/gguf_families";

    /// <summary>llama.cpp keeps keys and values in 16 bits and takes GELU from a table of 16 bits: 0.03 of a logit at most, by the goldens' README.</summary>
    private const double FloatNoise = 0.01;

    /// <summary>It rounds activations to 8 bits besides: 0.08 of a logit on average, by the same.</summary>
    private const double IntegerNoise = 0.1;

    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-test-").FullName;

    public static TheoryData<string> Plain() => [.. SharedFiles.SubFolders(Folders).Select(SharedFiles.NameOf)];

    public static TheoryData<string> Quantized() => [.. SharedFiles.Match(Files, "*.q?_0.gguf").Select(SharedFiles.NameOf)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [LlamaCppTheory(Folders)]
    [MemberData(nameof(Plain))]
    public void A_folder_written_as_floats_agrees_or_says_what_llama_cpp_does_not_do(string name)
    {
        using var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 2 });
        var ids = Ids(model);
        ExportResult result;
        try
        {
            result = GgufExport.Write(model, At("m.gguf"), BlockFormats.F32);
        }
        catch (NotSupportedException refused)
        {
            output.WriteLine(refused.Message);
            Assert.Contains("config.json's key", refused.Message, StringComparison.Ordinal);
            return;
        }
        var difference = Difference(Scores(model, ids), LlamaCpp.Score(At("m.gguf"), ids));
        output.WriteLine($"{difference:G3} nats a token; {string.Join(' ', result.Notes)}");
        if (result.Notes.Any(n => n.Contains("does not apply the window", StringComparison.Ordinal)))
            Assert.True(difference > FloatNoise, "the note says that they differ"); // the window is shorter than the text
        else
            Assert.True(difference < FloatNoise, $"differ by {difference}");
    }

    [LlamaCppTheory(Files)]
    [MemberData(nameof(Quantized))]
    public void A_file_with_tuned_scales_agrees(string name)
    {
        var data = At("data.jsonl");
        using (var model = LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 2 }))
        {
            var ids = Ids(model);
            File.WriteAllText(data, $"{{\"input_ids\":[{string.Join(',', ids)}]}}\n");
            var untuned = Scores(model, ids);
            model.Tune(data, new TuneOptions { Steps = 4, LearningRate = 0.1f, Context = ids.Length, Batch = 1 }, At("run"));
            var tuned = Scores(model, ids);
            GgufExport.Write(model, At("m.gguf"));
            var difference = Difference(tuned, LlamaCpp.Score(At("m.gguf"), ids));
            output.WriteLine($"{difference:G3} nats a token, moved by {Difference(untuned, tuned):G3}");
            Assert.True(Difference(untuned, tuned) > 2 * IntegerNoise, $"tuning moved the scores by {Difference(untuned, tuned)} only");
            Assert.True(difference < IntegerNoise, $"differ by {difference}");
        }
    }

    /// <summary>More than the original context of longrope: there both take the long factors (llama.cpp goes by the context that it was opened with, a multiple of 256).</summary>
    private static int[] Ids(LanguageModel model) => [.. Enumerable.Range(0, 60).Select(i => (i * 37 + i * i * 11 + 5) % model.Config.VocabularySize)];

    private static double[] Scores(LanguageModel model, int[] ids) => [.. model.Score([new ScoringRequest(ids, 1)]).Single().LogProbabilities.Select(v => (double)v)];

    private static double Difference(double[] a, double[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Average();

    private string At(string name) => Path.Combine(_folder, name);
}
