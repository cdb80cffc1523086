using System.Text;
using Vernier.Reading;

namespace Vernier.Tests.Reading;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("""{"a": "x\ud83d"}""", "line 1, column 9: found the lone surrogate \\ud83d")]
    [InlineData("""{"a": "x\udc4dy"}""", "line 1, column 9: found the lone surrogate \\udc4d")]
    [InlineData("""{"\uD800": 1}""", "line 1, column 3: found the lone surrogate \\uD800")]
    [InlineData("""{"a": ["\\", "\\\ud800\n\udc00"]}""", "line 1, column 17: found the lone surrogate \\ud800")]
    [InlineData("""{"a": "\ud83d\ud83d\ude00"}""", "line 1, column 8: found the lone surrogate \\ud83d")]
    [InlineData("{\n\"a\":\n\"\\udfff\"}", "line 3, column 2: found the lone surrogate")]
    [InlineData("""{"a": 1, "b": {"c": 1, "c": 2}}""", "not valid JSON")]
    [InlineData("""{"a": 1, "a": 2}""", "not valid JSON")]
    [InlineData("""{"a": NaN}""", "line 1, column 7: not valid JSON")]
    [InlineData("""{"a": "\u12"}""", "line 1, column")]
    [InlineData("{\n\"a\": 'x'}", "line 2, column 6: not valid JSON")]
    [InlineData("\uFEFF{}", "a byte order mark stands in the middle")]
    [InlineData("", "not valid JSON")]
    public void Mistakes_are_named_with_their_place(string json, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => Parse(json));
        Assert.StartsWith("x.jsonl: line ", e.Message);
        Assert.Contains(message, e.Message);
    }

    [Fact]
    public void Depth_is_bounded() =>
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => Parse(new string('[', 100_000) + new string(']', 100_000))).Message);

    [Theory]
    [InlineData("""{"a": "\ud83d\ude00"}""", "\U0001F600")]
    [InlineData("""{"a": "\\ud83d"}""", "\\ud83d")]
    [InlineData("""{"a": "\u0000"}""", "\0")]
    [InlineData("""{"a": "\ufeff\ufffd"}""", "\uFEFF\uFFFD")]
    public void What_stands_for_a_text_is_read(string json, string expected)
    {
        using var document = Parse(json);
        Assert.Equal(expected, document.RootElement.GetProperty("a").GetString());
    }

    private static System.Text.Json.JsonDocument Parse(string json) => JsonText.Parse(Encoding.UTF8.GetBytes(json), "x.jsonl");
}
