namespace Vernier.Cli.Terminal;

/// <summary>The one line on stderr by which a verb says why it ended.</summary>
internal static class ErrorLine
{
    /// <summary>What stderr says of a verb that a signal ended.</summary>
    public const string Interrupted = "vernier: interrupted";

    /// <summary>Writes a line to stderr, where that can be written.</summary>
    /// <param name="error">Stands for stderr; null = stderr.</param>
    public static void TryWrite(string line, TextWriter? error = null)
    {
        try
        {
            (error ?? Console.Error).WriteLine(line);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody is there to read it.
        }
    }
}
