using System.CommandLine;
using Vernier.Tokens;

namespace Vernier.Cli;

/// <summary>Runs a parsed command line and turns every failure into one line on stderr and an exit code:
/// 0 done, 1 failed, 2 wrong usage, 130 (SIGINT) and 143 (SIGTERM) interrupted with the state saved.</summary>
internal static class ErrorReport
{
    private const int Failed = 1;
    private const int WrongUsage = 2;

    /// <summary>What stderr says of a verb that a signal ended.</summary>
    public const string InterruptedLine = "vernier: interrupted";

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                Console.Error.WriteLine($"vernier: {error.Message}");
            var verb = parsed.CommandResult.Command;
            Console.Error.WriteLine($"Try: vernier {(verb is RootCommand ? "" : verb.Name + " ")}--help");
            return WrongUsage;
        }
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }; // signals are heard in one place
        using var interruption = Interruption.Listen();
        try
        {
            return await parsed.InvokeAsync(invocation, interruption.Stop);
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"vernier: {e.Message}");
            return WrongUsage;
        }
        catch (Exception e) when (interruption.ExitCode != 0 && IsCancellation(e))
        {
            TryWrite(InterruptedLine);
            return interruption.ExitCode;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("VERNIER_TRACE") is not { Length: > 0 })
        {
            Console.Error.WriteLine($"vernier: {Describe(e)}");
            return Failed;
        }
    }

    /// <summary>Writes a line to stderr, where that can be written.</summary>
    public static void TryWrite(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nobody is there to read it.
        }
    }

    private static bool IsCancellation(Exception e) =>
        e is OperationCanceledException || e is AggregateException a && a.InnerExceptions.All(IsCancellation);

    private static string Describe(Exception e) => e switch
    {
        AggregateException { InnerExceptions.Count: 1 } a => Describe(a.InnerExceptions[0]),
        InvalidDataException or NotSupportedException or NotFiniteNumberException or TemplateException or IOException or UnauthorizedAccessException or ArgumentException => OneLine(e.Message),
        OutOfMemoryException => "out of memory: " + OneLine(e.Message),
        _ => $"{e.GetType().Name}: {OneLine(e.Message)} (set VERNIER_TRACE=1 for the stack)",
    };

    /// <summary>The message on one line; the name of a parameter in our code, which the runtime appends, tells a user nothing.</summary>
    private static string OneLine(string message)
    {
        var parameter = message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return (parameter > 0 && message.EndsWith("')", StringComparison.Ordinal) ? message[..parameter] : message).ReplaceLineEndings(" ");
    }
}
