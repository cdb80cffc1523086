using System.Text.Json;
using Vernier.Evaluation;

namespace Vernier.Tests.Evaluation;

public sealed class ScoreFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void RowsComeBackInOrderWithTheirScores()
    {
        var rows = Run("""
            {"ids":[5,10,20],"name":"kept"}

            {"prompt":"A","continuation":"2"}
            {"prompt":"","continuation":"2"}
            {"ids":[1,300]}
            {"ids":[1,2]}
            """, out var failure);
        Assert.Null(failure);
        Assert.Equal(5, rows.Count);
        Assert.Equal("kept", rows[0].GetProperty("name").GetString());
        Assert.Equal([-0.1, -0.2], rows[0].GetProperty("logprobs").EnumerateArray().Select(v => Math.Round(v.GetDouble(), 6)));
        Assert.Equal(-0.3, rows[0].GetProperty("sum").GetDouble(), 1e-6);
        Assert.True(rows[0].GetProperty("greedy").GetBoolean());
        Assert.Equal(-0.5, rows[1].GetProperty("sum").GetDouble(), 1e-6);
        Assert.Equal(-0.5, rows[2].GetProperty("sum").GetDouble(), 1e-6);
        Assert.False(rows[3].GetProperty("greedy").GetBoolean());
    }

    [Theory]
    [InlineData("{\"ids\":[1,2", "not valid JSON")]
    [InlineData("{\"prompt\":\"a\\ud800\",\"continuation\":\"b\"}", "lone surrogate")]
    [InlineData("{\"prompt\":\"a\",\"prompt\":\"b\",\"continuation\":\"b\"}", "not valid JSON")]
    [InlineData("[1,2]", "expected a JSON object")]
    [InlineData("{\"ids\":[1]}", "1 ids")]
    [InlineData("{\"ids\":[1,400]}", "id 400 is outside the vocabulary of 400")]
    [InlineData("{\"ids\":[1,-1]}", "id -1")]
    [InlineData("{\"ids\":[1,1.5]}", "array of whole numbers")]
    [InlineData("{\"ids\":\"abc\"}", "array of whole numbers")]
    [InlineData("{\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]}", "18 ids")]
    [InlineData("{\"prompt\":\"a\"}", "expected \"ids\"")]
    [InlineData("{\"prompt\":\"a\",\"continuation\":\"\"}", "no token of its own")]
    [InlineData("{\"prompt\":\"a\",\"continuation\":\"123456789012345678\"}", "do not fit")]
    public void ABadRowIsNamedAfterTheRowsBeforeItAreWritten(string bad, string expected)
    {
        var rows = Run($"{{\"ids\":[1,2]}}\n{bad}\n{{\"ids\":[1,2]}}\n", out var failure);
        Assert.Single(rows);
        Assert.NotNull(failure);
        Assert.Contains(": line 2", failure.Message);
        Assert.Contains(expected, failure.Message);
    }

    [Fact]
    public void TextWithoutATokenizerIsRefused()
    {
        File.WriteAllText(_path, "{\"prompt\":\"a\",\"continuation\":\"b\"}");
        var error = Assert.Throws<InvalidDataException>(() => new ScoreFile(FakeScorer.ById(), null, 16, 400).Run(_path, TextWriter.Null));
        Assert.Contains("tokenizer", error.Message);
    }

    private List<JsonElement> Run(string input, out InvalidDataException? failure)
    {
        File.WriteAllText(_path, input);
        using var output = new StringWriter();
        failure = null;
        try
        {
            new ScoreFile(FakeScorer.ById(), new ByteTokenizer(), contextLength: 16, vocabularySize: 400).Run(_path, output);
        }
        catch (InvalidDataException e)
        {
            failure = e;
        }
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];
    }
}
