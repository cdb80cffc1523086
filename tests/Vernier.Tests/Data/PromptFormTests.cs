using Vernier.Data;
using Vernier.Models;
using Vernier.Tests.Tokens;
using Vernier.Tests.Tuning;
using Vernier.Tokens;
using Vernier.Tuning;

namespace Vernier.Tests.Data;

public class PromptFormTests
{
    private static readonly ChatTemplate s_template = ChatTemplate.Parse("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}");

    [Theory]
    [InlineData("x.txt", "one two three", "text", "one two three")]
    [InlineData("x.jsonl", """{"text": "one two three four five six seven eight nine"}""", "text", "one two three four five six seven eight")]
    [InlineData("x.jsonl", """{"input_ids": [1, 2, 3]}""", "ids", null)]
    [InlineData("x.jsonl", """{"prompt": "a", "completion": "b"}""", "completion", "a")]
    [InlineData("x.jsonl", """{"instruction": "a", "output": "b"}""", "alpaca", "a")]
    [InlineData("x.json", """{"definition": "d", "train": [{"input": " a ", "output": "b"}]}""", "natural-instructions", "a")]
    [InlineData("x.jsonl", """{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}""", "chat", "a")]
    public void Data_have_a_form_and_an_example(string name, string content, string form, string? example)
    {
        var prompt = Load(name, content).Prompt;
        Assert.Equal((form, example), (prompt?.Name, prompt?.Example));
    }

    [Fact]
    public void Mixed_data_have_none() =>
        Assert.Null(Load("x.jsonl", """{"prompt": "a", "completion": "b"}""" + "\n" + """{"text": "ab"}""" + "\n" + """{"prompt": "a", "completion": "b"}""").Prompt);

    [Fact]
    public void A_system_message_is_the_data_s_where_all_conversations_have_it()
    {
        static string Line(string system, string user) => $$"""{"messages": [{"role": "system", "content": "{{system}}"}, {"role": "user", "content": "{{user}}"}, {"role": "assistant", "content": "b"}]}""";
        Assert.Equal("s", Load("x.jsonl", Line("s", "a") + "\n" + Line("s", "c")).Prompt!.SystemMessage);
        Assert.Null(Load("x.jsonl", Line("s", "a") + "\n" + Line("t", "c") + "\n" + Line("t", "c")).Prompt!.SystemMessage);
    }

    [Fact]
    public void Prompts_take_the_form()
    {
        var words = new MarkedTokenizer();
        Assert.Equal(AlpacaPrompt.Text("do", ""), Apply(new(PromptKind.Alpaca), "do"));
        Assert.Equal("Definition: d\n\nInput: do\nOutput:", Apply(new(PromptKind.NaturalInstructions) { Definition = "d" }, " do"));
        Assert.Equal("<|user|>do<|assistant|>", Apply(new(PromptKind.Chat), "do"));
        Assert.Equal("<|system|>s<|user|>do<|assistant|>", Apply(new(PromptKind.Chat) { SystemMessage = "s" }, "do"));
        Assert.Equal("do", Apply(new(PromptKind.Completion), "do \t"));
        Assert.Equal("do ", Apply(new(PromptKind.Text), "do "));

        string Apply(PromptForm form, string prompt)
        {
            var applied = form.Apply(prompt, words, s_template);
            Assert.Equal(applied, form.Apply(applied, words, s_template)); // what is in the form stays
            return applied;
        }
    }

    [Fact]
    public void A_record_of_two_kinds_is_read_as_the_first_and_said()
    {
        var data = Load("x.jsonl", """{"instruction": "a", "output": "b", "text": "c"}""" + "\n" + """{"instruction": "a", "output": "b", "text": "c"}""");
        Assert.Contains("2 samples (line 1, ...): besides instruction and output there is text, which is not read", Assert.Single(data.Notes));
    }

    [Theory]
    [InlineData("\"weight\": 0", 1, "left out: the record takes its loss away")]
    [InlineData("\"train\": false", 1, "left out: the record takes its loss away")]
    [InlineData("\"weight\": 73.5", 0, "weight is 73.5, expected 0 or 1, and is not used")]
    public void A_record_can_take_its_loss_away(string member, int leftOut, string note)
    {
        var data = Load("x.jsonl", """{"text": "ab"}""" + "\n{\"text\": \"cd\", " + member + "}");
        Assert.Equal(leftOut, data.Counts.LeftOut);
        Assert.Contains(note, Assert.Single(data.Notes));
        Assert.Contains("line 2", data.Notes[0]);
    }

    private static TrainingData Load(string name, string content)
    {
        using var folder = new TemporaryFolder();
        ModelConfig config = TinyRun.Config with { VocabularySize = 0x10100, ContextLength = 4096 };
        return TrainingData.Load(folder.Write(name, content), new MarkedTokenizer(), new TuneOptions().Rows, config, s_template);
    }
}
