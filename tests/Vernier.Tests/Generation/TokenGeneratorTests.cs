using System.Text;
using Vernier.Generation;
using Vernier.Tests.Models;

namespace Vernier.Tests.Generation;

public class TokenGeneratorTests
{
    [Fact]
    public void A_second_prompt_with_the_same_beginning_gives_what_a_new_generator_gives()
    {
        using var model = LanguageModel.CreateRandom(TinyModel.Config(), seed: 3);
        using var generator = new TokenGenerator(model);
        var options = new GenerationOptions { MaxTokens = 8, Sampling = new SamplingOptions { Temperature = 1, Seed = 5 } };
        var reply = generator.Generate([1, 2, 3], options).Select(t => t.Id).ToArray();
        Assert.Equal(8, reply.Length);
        int[] longer = [1, 2, 3, .. reply, 4, 5];
        using var other = new TokenGenerator(model);
        Assert.Equal(other.Generate(longer, options).Select(t => t.Id), generator.Generate(longer, options).Select(t => t.Id));
        Assert.Equal(reply, generator.Generate([1, 2, 3], options).Select(t => t.Id));
    }

    [Fact]
    public async Task Asynchronous_generation_gives_the_same()
    {
        using var model = LanguageModel.CreateRandom(TinyModel.Config(), seed: 3);
        using var generator = new TokenGenerator(model);
        var options = new GenerationOptions { MaxTokens = 5 };
        var expected = generator.Generate([7], options).ToList();
        var found = new List<GeneratedToken>();
        await foreach (var token in generator.GenerateAsync([7], options))
            found.Add(token);
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Ends_are_reported()
    {
        using var model = LanguageModel.CreateRandom(TinyModel.Config(), seed: 3);
        using var generator = new TokenGenerator(model, capacity: 6);
        Assert.Equal(StopReason.MaxTokens, generator.Generate([1], new GenerationOptions { MaxTokens = 2 }).Last().Ends);
        var full = generator.Generate([1, 2], new GenerationOptions { MaxTokens = 100 }).ToList();
        Assert.Equal((5, StopReason.Context), (full.Count, full[^1].Ends));
        var stop = generator.Generate([1, 2], new GenerationOptions { StopIds = [full[0].Id] }).ToList();
        Assert.Equal([new GeneratedToken(full[0].Id, "", StopReason.EndToken)], stop);
    }

    [Fact]
    public void Bad_prompts_are_refused_at_once()
    {
        using var model = LanguageModel.CreateRandom(TinyModel.Config(), seed: 3);
        using var generator = new TokenGenerator(model, capacity: 4);
        Assert.Throws<ArgumentException>(() => generator.Generate([]));
        Assert.Throws<ArgumentException>(() => generator.Generate([1, 2, 3, 4, 5]));
        Assert.Throws<ArgumentException>(() => generator.Generate([1], new GenerationOptions { StopTexts = ["x"] }));
    }

    [Theory]
    [InlineData("one two END three", "one two ", true)]
    [InlineData("one EN", "one EN", false)]
    [InlineData("a STOP", "a ", true)]
    [InlineData("EENDx", "E", true)]
    public void Stop_texts_are_found_across_pieces(string text, string shown, bool stopped)
    {
        foreach (var size in new[] { 1, 2, 3, 100 })
        {
            var scanner = new StopTextScanner(["END", "STOP"]);
            var result = new StringBuilder();
            var found = false;
            foreach (var piece in text.Chunk(size))
            {
                result.Append(scanner.Add(new string(piece), out found));
                if (found)
                    break;
            }
            if (!found)
                result.Append(scanner.Finish());
            Assert.Equal((shown, stopped), (result.ToString(), found));
        }
    }
}
