using Vernier.Cli.Chat;

namespace Vernier.Cli.Tests.Chat;

/// <summary>Lines to messages.</summary>
public sealed class MessageReaderTests
{
    [Theory]
    [InlineData("one|two", "one|two")]
    [InlineData("one\\|two|three", "one\ntwo|three")]
    [InlineData("one\\|two\\|three", "one\ntwo\nthree")]
    [InlineData("one\\", "one")]
    [InlineData("\"\"\"|one||two|\"\"\"|three", "one\n\ntwo|three")]
    [InlineData("\"\"\"one|two\"\"\"", "one\ntwo")]
    [InlineData("\"\"\"one\"\"\"", "one")]
    [InlineData("  \"\"\"|one\\|\"\"\"  ", "one\\")]
    [InlineData("\"\"\"|one", "one")]
    [InlineData("\"\"\"|\"\"\"", "")]
    public void Messages(string lines, string messages)
    {
        var input = new Queue<string>(lines.Split('|'));
        Assert.Equal(messages.Split('|'), Read(new MessageReader(_ => input.TryDequeue(out var line) ? line : null)));
    }

    [Fact]
    public void BreakingOffTakesAwayWhatIsBegunAndThenEnds()
    {
        var input = new Queue<string?>(["\"\"\"", "one", null, "two", null, "never"]);
        Assert.Equal(["two"], Read(new MessageReader(_ => input.Dequeue() ?? throw new OperationCanceledException())));
        Assert.Single(input);
    }

    private static List<string> Read(MessageReader reader)
    {
        var read = new List<string>();
        while (reader.Read() is { } message)
            read.Add(message);
        return read;
    }
}
