using Vernier.Data;
using Vernier.Models;
using Vernier.Tests.Evaluation;
using Vernier.Tests.Tuning;
using Vernier.Tokens;
using Vernier.Tuning;

namespace Vernier.Tests.Data;

/// <summary>Files to rows of tokens. The tokenizer's ids are bytes.</summary>
public class TrainingDataTests
{
    private static readonly ITokenizer s_bytes = new ByteTokenizer { EosId = 0 };
    private static readonly ITokenizer s_plain = new ByteTokenizer();
    private static readonly ModelConfig s_config = TinyRun.Config with { VocabularySize = 257, ContextLength = 4096 };

    [Fact]
    public void A_text_file_is_one_stream_in_blocks_without_its_rest()
    {
        var data = Load("x.txt", "abcdefghij", context: 4);
        Assert.Equal(2, data.Rows);
        Assert.Equal("abcd", Text(data.RowIds(0)));
        Assert.Equal("efgh", Text(data.RowIds(1)));
        Assert.Equal([.. "bcd"u8.ToArray().Select(b => (int)b), TokenBatch.NoTarget], data.RowTargets(0).ToArray());
        Assert.Contains("last 2 of 10 tokens", Assert.Single(data.Notes));
    }

    [Fact]
    public void A_text_shorter_than_a_block_is_kept() => Assert.Equal("abc", Text(Load("x.md", "abc", context: 8).RowIds(0)));

    [Fact]
    public void Text_lines_end_with_EOS_and_share_rows()
    {
        var data = Load("x.jsonl", """
            {"text": "ab"}
            {"text": "cde"}

            {"text": "f"}
            """, context: 8, tokenizer: s_bytes);
        Assert.Equal(2, data.Rows);
        Assert.Equal(2, data.RowSequences(0));
        Assert.Equal("ab\0cde\0", Text(data.RowIds(0)));
        Assert.Equal(['b', 0, -100, 'd', 'e', 0, -100], data.RowTargets(0).ToArray());
        Assert.Equal("f\0", Text(data.RowIds(1)));
    }

    [Fact]
    public void A_long_document_goes_on_in_further_rows()
    {
        var data = Load("x.jsonl", """{"text": "abcdefgh"}""" + "\n" + """{"text": "ij"}""", context: 5);
        Assert.Equal("abcde", Text(data.RowIds(0)));
        Assert.Equal("fghij", Text(data.RowIds(1)));
        Assert.Contains("1 sample (line 1) longer than the context of 5", Assert.Single(data.Notes));
    }

    [Fact]
    public void Only_the_answer_is_scored()
    {
        var data = Load("x.jsonl", """{"prompt": "ab ", "completion": "cd"}""", tokenizer: s_bytes);
        Assert.Equal("ab cd\0", Text(data.RowIds(0)));
        Assert.Equal([-100, ' ', 'c', 'd', 0, -100], data.RowTargets(0).ToArray()); // the blank belongs to the answer
        Assert.Equal(5, Load("x.jsonl", """{"prompt": "ab ", "completion": "cd"}""", tokenizer: s_bytes, options: new() { TrainOnPrompt = true }).ScoredTokens);
    }

    [Fact]
    public void BOS_stands_in_front_where_the_tokenizer_adds_it()
    {
        var data = Load("x.jsonl", """{"prompt": "a", "completion": "b"}""", tokenizer: new ByteTokenizer { AddsBos = true });
        Assert.Equal([256, 'a', 'b'], data.RowIds(0).ToArray());
        Assert.Equal([-100, 'b', -100], data.RowTargets(0).ToArray());
    }

    [Theory]
    [InlineData("""{"text": "xy"}""", "BxyE", "xyE")]
    [InlineData("""{"text": "Bxy"}""", "BxyE", "xyE")]
    [InlineData("""{"text": "xyE"}""", "BxyE", "xyE")]
    [InlineData("""{"text": "BxyE"}""", "BxyE", "xyE")]
    [InlineData("""{"text": "BxyE \n"}""", "BxyE \n", "xyE \n")]
    [InlineData("""{"prompt": "x", "completion": "y"}""", "BxyE", "yE")]
    [InlineData("""{"prompt": "Bx", "completion": "yE"}""", "BxyE", "yE")]
    public void BOS_and_EOS_that_a_text_brings_along_stand_alone(string line, string ids, string targets)
    {
        var data = Load("x.jsonl", line, tokenizer: new ByteTokenizer { BosId = 'B', EosId = 'E', AddsBos = true });
        Assert.Equal(ids, Text(data.RowIds(0)));
        Assert.Equal(targets, Text([.. data.RowTargets(0).ToArray().Where(t => t >= 0)]));
    }

    [Fact]
    public void Rows_without_a_label_are_left_out_and_named()
    {
        var data = Load("x.jsonl", """
            {"input_ids": [1, 2, 3], "labels": [-100, -100, -100]}
            {"input_ids": [4, 5, 6], "labels": [-100, 5, -100]}
            {"input_ids": [7, 8, 9], "labels": [7, -100, -100]}
            """);
        Assert.Equal(1, data.Rows);
        Assert.Equal([4, 5, 6], data.RowIds(0).ToArray());
        Assert.Contains("2 samples (line 1, line 3) left out: no token with a loss", Assert.Single(data.Notes));
        Assert.Equal(new DataCounts { Samples = 3, LeftOut = 2 }, data.Counts);
    }

    [Fact]
    public void Counts_say_what_became_of_the_samples()
    {
        var documents = Load("x.jsonl", """{"text": "abcdefgh"}""" + "\n" + """{"text": "i"}""", context: 5);
        Assert.Equal(new DataCounts { Samples = 2, Continued = 1, LeftOut = 1 }, documents.Counts);
        var answers = Load("x.jsonl", """{"prompt": "abcdefgh", "completion": "i"}""" + "\n" + """{"prompt": "ab", "completion": "cdefgh"}""", context: 5);
        Assert.Equal(new DataCounts { Samples = 2, Cut = 1, LeftOut = 1 }, answers.Counts);
        Assert.Equal(new DataCounts { Samples = 1, TokensLeftOut = 2 }, Load("x.txt", "abcdefg", context: 5).Counts);
    }

    [Fact]
    public void Alpaca_has_its_prompt()
    {
        var data = Load("x.json", """[{"instruction": "Add.", "input": "1 2", "output": "3"}, {"instruction": "Hi", "input": "", "output": "Ho"}]""");
        var text = Text(data.RowIds(0));
        Assert.StartsWith("Below is an instruction that describes a task, paired with an input", text);
        Assert.Contains("### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n3", text);
        Assert.DoesNotContain("### Input:", text[text.IndexOf("### Response", StringComparison.Ordinal)..]);
        Assert.Equal(3 + 1, data.ScoredTokens + 0 - 1); // "\n3" and "\nHo": the newline that ends the prompt is scored with the answer
    }

    [Fact]
    public void A_conversation_is_scored_on_its_replies()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("x.jsonl", """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bc"}, {"role": "user", "content": "d"}, {"role": "assistant", "content": "e"}]}""");
        var template = ChatTemplate.Parse("{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}{% if add_generation_prompt %}a:{% endif %}");
        var data = TrainingData.Load(path, s_plain, new TuneOptions().Rows, s_config, template);
        Assert.Equal("u:a;a:bc;u:d;a:e;", Text(data.RowIds(0)));
        Assert.Equal("bc;e;", Text([.. data.RowTargets(0).ToArray().Where(t => t >= 0)]));
        Assert.Contains("no chat template", Assert.Throws<InvalidDataException>(() => TrainingData.Load(path, s_plain, new TuneOptions().Rows, s_config)).Message);
    }

    [Fact]
    public void Tokenised_rows_stay_as_they_are()
    {
        var data = Load("x.jsonl", """
            {"input_ids": [1, 2, 3], "labels": [1, -100, 3]}
            {"input_ids": [9, 4, 5, 9], "attention_mask": [0, 1, 1, 0]}
            """, tokenizer: null);
        Assert.Equal(2, data.Rows);
        Assert.Equal([-100, 3, -100], data.RowTargets(0).ToArray());
        Assert.Equal([4, 5], data.RowIds(1).ToArray());
        Assert.Equal([5, -100], data.RowTargets(1).ToArray());
    }

    [Fact]
    public void A_task_of_Natural_Instructions_is_read()
    {
        var data = Load("x.json", """{"task": "t", "definition": "Do. ", "train": [{"id": "1", "input": " q", "output": ["a", "b"]}]}""" + "\n");
        Assert.Equal("Definition: Do.\n\nInput: q\nOutput: a", Text(data.RowIds(0)));
        Assert.Equal(2, data.ScoredTokens);
    }

    [Fact]
    public void Objects_on_lines_in_a_json_file_are_read() =>
        Assert.Equal(2, Load("x.json", "{\"text\": \"abc\"}\n{\"text\": \"def\"}\n", context: 3).Rows);

    [Fact]
    public void Answers_cut_away_are_reported()
    {
        var data = Load("x.jsonl", """
            {"prompt": "abcdefgh", "completion": "i"}
            {"prompt": "ab", "completion": "cdefgh"}
            """, context: 5);
        Assert.Equal("abcde", Text(data.RowIds(0)));
        Assert.Contains(data.Notes, n => n.Contains("1 sample (line 2) longer than the context of 5 tokens: cut"));
        Assert.Contains(data.Notes, n => n.Contains("1 sample (line 1) left out"));
    }

    [Theory]
    [InlineData("x.txt", " \n", "is empty")]
    [InlineData("x.txt", "a\0b", "zero byte at offset 1")]
    [InlineData("x.txt", "a", "holds 1 tokens")]
    [InlineData("x.jsonl", "{\"text\": \"ab\"}\n{\"text\": \"ab\n", "line 2, column ")]
    [InlineData("x.jsonl", "{\"txt\": \"ab\"}\n", "line 1: found the fields txt, expected input_ids")]
    [InlineData("x.jsonl", "[1]\n", "line 1: found a JSON Array, expected an object")]
    [InlineData("x.jsonl", "{\"prompt\": \"ab\"}\n", "line 1: found no field completion")]
    [InlineData("x.jsonl", "{\"text\": 3}\n", "line 1: text is a JSON Number")]
    [InlineData("x.jsonl", "{\"input_ids\": [1, 2, 999]}\n", "line 1: id 999 is outside the vocabulary, expected 0..256")]
    [InlineData("x.jsonl", "{\"input_ids\": [1, 2], \"labels\": [1, 300]}\n", "line 1: label 300 is outside")]
    [InlineData("x.jsonl", "{\"input_ids\": [1, 2], \"labels\": [1]}\n", "line 1: found 1 labels for 2")]
    [InlineData("x.jsonl", "{\"input_ids\": [1, 2.5]}\n", "line 1: input_ids[2] is 2.5")]
    [InlineData("x.jsonl", "{\"input_ids\": [1, 2, 3], \"attention_mask\": [1, 0, 1]}\n", "in the middle")]
    [InlineData("x.jsonl", "{\"input_ids\": [1, 2], \"labels\": [-100, -100]}\n", "nothing to learn")]
    [InlineData("x.json", "[{\"text\": \"ab\"},\n {\"text\"}]", "line 2, column ")]
    [InlineData("x.json", "3", "expected an array")]
    public void Mistakes_are_named_with_their_place(string name, string text, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => Load(name, text));
        Assert.Contains(name + ": ", e.Message);
        Assert.Contains(message, e.Message);
    }

    [Fact]
    public void Binary_and_broken_text_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("x.txt"), [.. "one\ntwo "u8, 0xff, 0xfe]);
        Assert.Contains("offset 8 (line 2)", Assert.Throws<InvalidDataException>(() => TrainingData.Load(folder.At("x.txt"), s_plain, new TuneOptions().Rows, s_config)).Message);
    }

    [Fact]
    public void Text_needs_a_tokenizer() =>
        Assert.Contains("no tokenizer", Assert.Throws<InvalidDataException>(() => Load("x.txt", "abc", tokenizer: null)).Message);

    [Fact]
    public void A_row_longer_than_the_model_takes_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("x.jsonl", $"{{\"input_ids\": [{string.Join(',', Enumerable.Repeat(1, 33))}]}}");
        Assert.Contains("at most 32", Assert.Throws<InvalidDataException>(() => TrainingData.Load(path, null, new TuneOptions().Rows, TinyRun.Config)).Message);
    }

    [Fact]
    public void Every_epoch_sees_every_row_once_in_an_order_of_its_own()
    {
        var data = TinyRun.Data(rows: 11);
        var order = new BatchOrder(data, 2, 2, seed: 7);
        Assert.Equal(3, order.StepsPerEpoch);
        var epochs = Enumerable.Range(0, 2).Select(e => Enumerable.Range(0, 3).SelectMany(s => Rows(order, e * 3 + s)).ToArray()).ToArray();
        var rows = Enumerable.Range(0, 11).Select(r => string.Join(',', data.RowIds(r).ToArray())).Order().ToArray();
        Assert.All(epochs, e => Assert.Equal(rows, e.Order().ToArray()));
        Assert.NotEqual(epochs[0], epochs[1]);
        Assert.Equal(epochs[0][4..8], Rows(order, 1)); // going back gives the same again
    }

    private static string[] Rows(BatchOrder order, int step)
    {
        order.Begin(step);
        return [.. Enumerable.Range(0, order.MicroBatches).SelectMany(i =>
        {
            var batch = order.MicroBatch(i);
            return Enumerable.Range(0, batch.Sequences).Select(s => string.Join(',', batch.Ids[batch.Starts[s]..batch.Starts[s + 1]])).ToArray();
        })];
    }

    private static TrainingData Load(string name, string text, int context = 512, TuneOptions? options = null) => Load(name, text, context, s_plain, options);

    private static TrainingData Load(string name, string text, ITokenizer? tokenizer, TuneOptions? options = null) => Load(name, text, 512, tokenizer, options);

    private static TrainingData Load(string name, string text, int context, ITokenizer? tokenizer, TuneOptions? options = null)
    {
        using var folder = new TemporaryFolder();
        return TrainingData.Load(folder.Write(name, text), tokenizer, new RowOptions(context, options?.TrainOnPrompt ?? false), s_config);
    }

    private static string Text(ReadOnlySpan<int> ids)
    {
        var text = new char[ids.Length];
        for (var i = 0; i < ids.Length; i++)
            text[i] = (char)ids[i];
        return new string(text);
    }
}
