namespace Vernier.Cli.Terminal;

/// <summary>The process's streams: what is known of them, and the writers that lie under the guarded ones that <see cref="Console"/> has.</summary>
internal static class Screen
{
    private const int UsualWidth = 80; // where a terminal does not say

    /// <summary>Standard output to the byte: for JSON and for what a model writes into a file or a pipe.</summary>
    public static TextWriter RawOutput { get; private set; } = TextWriter.Null;

    /// <summary>Where a model writes: shown on a terminal, to the byte elsewhere.</summary>
    public static TextWriter ModelOutput => Console.IsOutputRedirected ? RawOutput : Console.Out;

    /// <summary>Standard error without the guard, for <see cref="ProgressLine"/> alone.</summary>
    public static TextWriter RawError { get; private set; } = TextWriter.Null;

    /// <summary>Standard error is a terminal whose line can be written again.</summary>
    public static bool ErrorRewrites { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    /// <summary>Colours are welcome on a terminal (https://no-color.org).</summary>
    public static bool Colors { get; } = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && Environment.GetEnvironmentVariable("TERM") is not "dumb" && !OperatingSystem.IsWindows();

    /// <summary>Standard error can write every character.</summary>
    public static bool Unicode => RawError.Encoding.CodePage == 65001;

    /// <summary>Columns of the terminal now.</summary>
    public static int Width
    {
        get
        {
            try
            {
                return Console.WindowWidth is > 0 and var width ? width : UsualWidth;
            }
            catch (Exception e) when (e is IOException or PlatformNotSupportedException)
            {
                return UsualWidth;
            }
        }
    }

    /// <summary>Puts the guards before both streams. Standard error that is closed or full is no reason to fail; standard output that cannot be written is.</summary>
    public static void Guard()
    {
        var (output, error) = (Open(() => Console.Out), Open(() => Console.Error));
        RawOutput = new GuardedWriter(output, visible: false, ProgressLine.GiveWay, Fail);
        RawError = new GuardedWriter(error, visible: false, null, _ => { });
        Console.SetOut(new GuardedWriter(output, visible: true, ProgressLine.GiveWay, Fail));
        Console.SetError(new GuardedWriter(error, visible: true, ProgressLine.GiveWay, _ => { }));
    }

    private static void Fail(Exception e) =>
        throw new IOException($"standard output cannot be written: {(e is UnauthorizedAccessException or ObjectDisposedException ? "it is closed" : e.Message)}", e);

    private static TextWriter? Open(Func<TextWriter> stream)
    {
        try
        {
            return stream();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
