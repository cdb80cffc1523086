namespace Vernier.Cli.Chat;

/// <summary>Lines to messages: a line is one, a backslash at its end goes on with the next, and <c>"""</c> opens and closes a block of lines.</summary>
/// <param name="line">Asks for a line with a prompt: null where the input has ended, <see cref="OperationCanceledException"/> where the user breaks off.</param>
internal sealed class MessageReader(Func<string, string?> line)
{
    private const string Block = "\"\"\"";
    private const string First = "> ", Further = ". ";

    /// <summary>The next message, or null at the end of the input. Breaking off takes away a message that is begun; without one it ends the input.</summary>
    public string? Read()
    {
        while (true)
        {
            var begun = false;
            try
            {
                if (line(First) is not { } text)
                    return null;
                begun = true;
                var start = text.TrimStart();
                return start.StartsWith(Block, StringComparison.Ordinal) ? ReadBlock(start[Block.Length..]) : ReadContinued(text);
            }
            catch (OperationCanceledException)
            {
                if (!begun)
                    return null;
            }
        }
    }

    private string ReadBlock(string? text)
    {
        var lines = new List<string>();
        for (; text is not null; text = line(Further))
        {
            var ends = text.TrimEnd().EndsWith(Block, StringComparison.Ordinal);
            lines.Add(ends ? text.TrimEnd()[..^Block.Length] : text);
            if (ends)
                break;
        }
        return string.Join('\n', lines).Trim('\n');
    }

    private string ReadContinued(string text)
    {
        var lines = new List<string>();
        string? next = text;
        for (; next is not null && next.EndsWith('\\'); next = line(Further))
            lines.Add(next[..^1]);
        if (next is not null)
            lines.Add(next);
        return string.Join('\n', lines);
    }
}
