using System.Text.Json;
using Vernier.Generation;
using Vernier.TestSupport;

namespace Vernier.Tests.Generation;

/// <summary>Greedy replies of a real model: goldens/eval/generation, up to the first near tie. Only some prompts: a token takes its time.</summary>
public class GoldenGenerationTests
{
    private const string Model = "models/SmolLM2-135M-Instruct";
    private const string Golden = "goldens/eval/generation/greedy.json";
    private const int Prompts = 2;

    [SharedFact(Golden, Model)]
    public void Greedy_replies()
    {
        using var model = LanguageModel.Load(SharedFiles.Match(Model, "*.gguf").First());
        using var generator = new TokenGenerator(model, capacity: 1024);
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.At(Golden)));
        foreach (var kind in golden.RootElement.EnumerateArray().GroupBy(e => e.GetProperty("kind").GetString()))
            foreach (var entry in kind.Take(Prompts / 2))
                Check(model, generator, entry);
    }

    private static void Check(LanguageModel model, TokenGenerator generator, JsonElement entry)
    {
        var name = entry.GetProperty("id").GetString();
        var expected = Ids(entry.GetProperty("ids"));
        var sure = entry.GetProperty("first_near_tie_step") is { ValueKind: JsonValueKind.Number } step ? step.GetInt32() : expected.Length;
        var tokens = generator.Generate(Ids(entry.GetProperty("prompt_ids")), new GenerationOptions { MaxTokens = Math.Max(sure, 1) }).ToList();
        Assert.True(expected.Take(sure).SequenceEqual(tokens.Take(sure).Select(t => t.Id)), name);
        var text = string.Concat(tokens.Select(t => t.Text));
        Assert.StartsWith(text[..^Math.Min(text.Length, 1)], entry.GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetInt32())];
}
