using Vernier.Cli.Terminal;

namespace Vernier.Cli.Tests.Terminal;

/// <summary>Text is shown, never obeyed.</summary>
public sealed class VisibleTextTests
{
    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("größer 模型 🙂 e\u0301", "größer 模型 🙂 e\u0301")]
    [InlineData("a\u200db\u200cc", "a\u200db\u200cc")]
    [InlineData("\u001b]0;title\u0007", "\\x1b]0;title\\x07")]
    [InlineData("\u001b[2J\0\u007f", "\\x1b[2J\\x00\\x7f")]
    [InlineData("\u009b31m", "\\x9b31m")]
    [InlineData("a\u202egnp.exe\u202c", "a\\u202egnp.exe\\u202c")]
    [InlineData("\u2066x\u2069\u200b\ufeff\u061c", "\\u2066x\\u2069\\u200b\\ufeff\\u061c")]
    [InlineData("one\ntwo\r\nthree\tfour\u0085\u2028\u2029", "one\\ntwo\\r\\nthree\\tfour\\x85\\u2028\\u2029")]
    [InlineData("\U000e0041", "\\U000e0041")]
    public void ALine(string text, string shown) => Assert.Equal(shown, VisibleText.Line(text));

    [Fact]
    public void HalvesOfPairs() => Assert.Equal("a\\ud83db\\ude42", VisibleText.Line("a" + (char)0xD83D + "b" + (char)0xDE42));

    [Theory]
    [InlineData("one\ntwo\r\nthree\tfour", "one\ntwo\r\nthree\tfour")]
    [InlineData("overwrite\rme", "overwrite\\rme")]
    [InlineData("\u001b[31mred\u200f\u202e", "\\x1b[31mred\u200f\\u202e")]
    public void Lines(string text, string shown) => Assert.Equal(shown, VisibleText.Lines(text));

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("e\u0301", 1)]
    [InlineData("模型", 4)]
    [InlineData("🙂", 2)]
    public void Columns(string text, int columns) => Assert.Equal(columns, VisibleText.Columns(text));

    [Theory]
    [InlineData("abcdef", 6, "abcdef")]
    [InlineData("abcdef", 5, "abcd…")]
    [InlineData("模型模型", 6, "模型…")]
    [InlineData("abc", 1, "…")]
    [InlineData("abc", 0, "")]
    public void Cut(string text, int columns, string cut) => Assert.Equal(cut, VisibleText.Cut(text, columns));
}
