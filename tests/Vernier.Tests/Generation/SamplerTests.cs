using System.Text.Json;
using Vernier.Files.Safetensors;
using Vernier.Generation;
using Vernier.Tests.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Generation;

public class SamplerTests
{
    public static TheoryData<string> Goldens => [.. SharedFiles.Match("goldens/sampling", "*.safetensors").Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Probabilities_of_every_golden_case(string name)
    {
        using var meta = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SharedFiles.At(name), "../meta.json")));
        using var file = SafetensorsFile.Open(SharedFiles.At(name));
        foreach (var entry in meta.RootElement.GetProperty("cases").EnumerateObject())
        {
            var vector = entry.Value.GetProperty("vector").GetString();
            var sampler = new Sampler(new SamplingOptions
            {
                Temperature = Number("temperature", 1),
                TopK = (int)Number("top_k", 0),
                TopP = Number("top_p", 1),
                MinP = Number("min_p", 0),
                RepetitionPenalty = Number("repetition_penalty", 1),
            });
            sampler.Observe(file.ReadIntegers<int>($"{vector}.input_ids"));
            var logits = file.ReadSingles($"{vector}.logits");
            var probabilities = new float[logits.Length];
            sampler.Probabilities(logits, probabilities);
            var expected = file.ReadSingles($"{entry.Name}.probs");
            Close.Assert(expected, probabilities, 1e-6, entry.Name);
            Assert.Equal(expected.Select(p => p > 0), probabilities.Select(p => p > 0));

            float Number(string key, float otherwise) => entry.Value.TryGetProperty(key, out var value) ? value.GetSingle() : otherwise;
        }
    }

    [Fact]
    public void Draws_follow_the_probabilities_and_the_seed()
    {
        float[] logits = [0, 1, 2, float.NegativeInfinity];
        var options = new SamplingOptions { Temperature = 1, Seed = 7 };
        var (first, second) = (new Sampler(options), new Sampler(options));
        var probabilities = new float[4];
        first.Probabilities(logits, probabilities);
        var counts = new int[4];
        const int Draws = 20_000;
        for (var i = 0; i < Draws; i++)
        {
            var id = first.Next(logits);
            Assert.Equal(id, second.Next(logits));
            counts[id]++;
        }
        for (var i = 0; i < 4; i++)
            Assert.Equal(probabilities[i], (double)counts[i] / Draws, 0.015);
        Assert.Equal(0, counts[3]);
    }

    [Fact]
    public void Temperature_zero_is_greedy_and_the_first_on_ties() =>
        Assert.Equal(1, new Sampler(new SamplingOptions()).Next([0, 5, 5]));

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new Sampler(new SamplingOptions { Temperature = -1 }));
        Assert.Throws<ArgumentException>(() => new Sampler(new SamplingOptions { TopP = 0 }));
        Assert.Throws<ArgumentException>(() => new Sampler(new SamplingOptions { MinP = 2 }));
        Assert.Throws<ArgumentException>(() => new Sampler(new SamplingOptions { RepetitionPenalty = 0 }));
    }
}
