using Vernier.Cli.Terminal;

namespace Vernier.Cli.Tests.Terminal;

/// <summary>Lines are broken at words.</summary>
public sealed class WordWrapTests
{
    [Theory]
    [InlineData("data    one two", 80, "data    one two")]
    [InlineData("data    one two three four five six seven", 32, "data    one two three four five|        six seven")]
    [InlineData("data    one a-word-that-is-longer-than-a-whole-row two", 31, "data    one|        a-word-that-is-longer-than-a-whole-row|        two")]
    [InlineData("data    one two three four five six seven", 20, "data    one two three four five six seven")]
    public void Rows(string line, int columns, string rows) => Assert.Equal(rows.Split('|'), WordWrap.Rows(line[..8], line[8..], columns));
}
