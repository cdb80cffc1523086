using Vernier.Data;
using Vernier.Evaluation;
using Vernier.Tests.Tuning;
using Vernier.Tuning;

namespace Vernier.Tests.Evaluation;

public sealed class NaturalInstructionsTests : TemporaryFolderTests
{
    [Theory]
    [InlineData("""{"definition": " Say it. \n", "train": [{"input": "\tone\n", "output": "a"}], "test": [{"input": "\tone\n", "output": ["a"]}]}""")]
    [InlineData("""{"Definition": ["Say it."], "Instances": [{"id": "1", "input": "one", "output": ["a", "b"]}]}""")]
    public void A_model_is_tuned_on_the_prompt_that_it_is_measured_on(string task)
    {
        var path = Temporary.Write("t.json", task);
        var asked = Assert.Single(NaturalInstructions.Read(path, null));
        Assert.Equal("Definition: Say it.\n\nInput: one\nOutput:", asked.Prompt);
        Assert.Equal("a", asked.References[0]);
        var data = TrainingData.Load(path, new ByteTokenizer(), new TuneOptions().Rows, TinyRun.Config with { VocabularySize = 257, ContextLength = 512 });
        Assert.Equal(asked.Prompt + " a", new ByteTokenizer().Decode(data.RowIds(0).ToArray()));
    }

    [Theory]
    [InlineData("""{"definition": "d", "test": [{"input": "i", "output": "o"}, {"input": "i"}]}""", "test[1]: no field 'output'")]
    [InlineData("""{"definition": "d", "test": [{"input": "i", "output": []}]}""", "test[0]: has no output")]
    [InlineData("""{"definition": 3, "test": [{"input": "i", "output": "o"}]}""", "field 'definition'")]
    public void Mistakes_are_named_with_their_place(string task, string message)
    {
        var path = Temporary.Write("t.json", task);
        var e = Assert.Throws<InvalidDataException>(() => NaturalInstructions.Read(path, null));
        Assert.StartsWith(path, e.Message);
        Assert.Contains(message, e.Message);
    }

    [Fact]
    public void An_instance_that_cannot_be_asked_is_named()
    {
        var instances = NaturalInstructions.Read(Temporary.Write("t.json", """{"definition": "d", "test": [{"input": "i", "output": "o"}]}"""), null);
        var e = Assert.Throws<InvalidDataException>(() => NaturalInstructions.Run(instances, _ => throw new ArgumentException("too long")).ToList());
        Assert.Contains("t.json: test[0]: too long", e.Message);
    }
}
