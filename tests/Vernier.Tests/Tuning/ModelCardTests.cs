using Vernier.Cards;
using Vernier.Data;
using Vernier.Models;
using Vernier.Tuning;
using YamlDotNet.RepresentationModel;

namespace Vernier.Tests.Tuning;

/// <summary>What a run leaves is made to be shared: the hub reads the card's header, and no path of the machine stands in any file.</summary>
public sealed class ModelCardTests
{
    [Theory]
    [InlineData("peqa", "vernier")]
    [InlineData("lora", "peft")]
    public void The_header_is_YAML_with_what_the_hub_asks_for(string method, string library)
    {
        using var folder = new TemporaryFolder();
        var options = new TuneOptions { Method = method, Bits = method == "peqa" ? 4 : null, Group = 8, Context = 16, Steps = 2, BaseModel = "some one/tiny: \"1\"" };
        var header = Header(Run(folder, options));
        Assert.Equal(library, Text(header, "library_name"));
        Assert.Equal("text-generation", Text(header, "pipeline_tag"));
        Assert.Equal("some one/tiny: \"1\"", Text(header, "base_model"));
        Assert.Equal(["vernier", method], ((YamlSequenceNode)header.Children["tags"]).Select(t => ((YamlScalarNode)t).Value));
    }

    [Fact]
    public void A_base_that_is_a_repository_is_tagged()
    {
        using var folder = new TemporaryFolder();
        var header = Header(Run(folder, new TuneOptions { Method = "lora", Context = 16, Steps = 2, BaseModel = "them/tiny-1B" }));
        Assert.Contains("base_model:adapter:them/tiny-1B", ((YamlSequenceNode)header.Children["tags"]).Select(t => ((YamlScalarNode)t).Value));
    }

    [Fact]
    public void No_file_of_a_run_names_a_path_of_the_machine()
    {
        using var folder = new TemporaryFolder();
        Run(folder, new TuneOptions { Bits = 4, Group = 8, Context = 16, Steps = 2, LearningRate = 3 });
        var files = Directory.EnumerateFiles(folder.At("run"), "*", SearchOption.AllDirectories).ToList();
        Assert.Contains(files, f => f.EndsWith("config.yaml", StringComparison.Ordinal));
        Assert.All(files, file => Assert.DoesNotContain(folder.Path, File.ReadAllText(file)));
        Assert.Contains("# model: tiny.gguf", File.ReadAllText(folder.At("run/config.yaml")));
        Assert.Null(RunFile.Load(folder.At("run/config.yaml")).Model);
    }

    [Theory]
    [InlineData("plain-Name_1.5/x")]
    [InlineData("no")]
    [InlineData("1e5")]
    [InlineData("a: b # c")]
    [InlineData("- 'x' \"y\"\n---\nz")]
    [InlineData("grüße\t日本")]
    [InlineData("")]
    public void Scalars_come_back_as_they_were(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader($"key: {HubCard.Scalar(text)}\n"));
        Assert.Equal(text, Text((YamlMappingNode)yaml.Documents[0].RootNode, "key"));
    }

    private static string Run(TemporaryFolder folder, TuneOptions options)
    {
        using var compute = new Compute(1);
        using var decoder = TinyRun.Create();
        new Tuner(decoder, compute, folder.At("tiny.gguf"), () => TinyCodes.Of(decoder), options, Rows(folder), Rows(folder), folder.At("run")).Run();
        return File.ReadAllText(folder.At("run/README.md"));
    }

    private static TrainingData Rows(TemporaryFolder folder) =>
        TrainingData.FromSequences([.. Enumerable.Range(0, 4).Select(r => Enumerable.Range(0, 12).Select(t => (r + t) % 40).ToArray())], folder.At("data.jsonl"), TinyRun.Config);

    private static YamlMappingNode Header(string card)
    {
        var parts = card.Split("---\n", 3);
        Assert.Equal("", parts[0]);
        var yaml = new YamlStream();
        yaml.Load(new StringReader(parts[1]));
        return (YamlMappingNode)yaml.Documents[0].RootNode;
    }

    private static string? Text(YamlMappingNode map, string key) => ((YamlScalarNode)map.Children[key]).Value;
}
