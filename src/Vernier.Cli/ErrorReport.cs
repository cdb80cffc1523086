using System.CommandLine;
using System.Text.RegularExpressions;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Tokens.Templates;

namespace Vernier.Cli;

/// <summary>Runs a parsed command line and turns every failure into one line on stderr and an exit code:
/// 0 done, 1 failed, 2 wrong usage, 130 (SIGINT) and 143 (SIGTERM) interrupted with the state saved.</summary>
internal static partial class ErrorReport
{
    private const int Failed = 1;
    private const int WrongUsage = 2;

    /// <param name="error">Where the line goes; null = stderr.</param>
    public static async Task<int> RunAsync(RootCommand root, string[] args, TextWriter? error = null)
    {
        var parsed = root.Parse(args);
        if (UsageErrors.Find(parsed, args) is { } wrong)
        {
            ErrorLine.TryWrite($"vernier: {OneLine(wrong)}", error);
            return WrongUsage;
        }
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }; // signals are heard in one place
        using var interruption = Interruption.Listen();
        try
        {
            if (parsed.Action == parsed.CommandResult.Command.Action) // not for help
            {
                var words = await HubArguments.ResolveAsync(parsed, args, interruption.Stop);
                if (!words.SequenceEqual(args))
                    parsed = root.Parse(words);
                OutputGuard.Check(parsed);
            }
            var code = await parsed.InvokeAsync(invocation, interruption.Stop);
            return interruption.ExitCode != 0 ? interruption.ExitCode : code; // tune returns with its state saved
        }
        catch (UsageException e)
        {
            ErrorLine.TryWrite($"vernier: {OneLine(e.Message)}", error);
            return WrongUsage;
        }
        catch (Exception e) when (interruption.ExitCode != 0 && IsCancellation(e))
        {
            ErrorLine.TryWrite(ErrorLine.Interrupted, error);
            return interruption.ExitCode;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("VERNIER_TRACE") is not { Length: > 0 })
        {
            ErrorLine.TryWrite($"vernier: {OneLine(FileErrors.Describe(e, args) ?? Describe(e))}", error);
            return Failed;
        }
    }

    private static bool IsCancellation(Exception e) =>
        e is OperationCanceledException || e is AggregateException a && a.InnerExceptions.All(IsCancellation);

    private static string Describe(Exception e) => e switch
    {
        AggregateException { InnerExceptions.Count: 1 } a => Describe(a.InnerExceptions[0]),
        InvalidDataException or NotSupportedException or NotFiniteNumberException or TemplateException or IOException or UnauthorizedAccessException or ArgumentException => OneLine(e.Message),
        OutOfMemoryException => "out of memory: " + OneLine(e.Message),
        RegexMatchTimeoutException slow => $"the regular expression '{slow.Pattern}' takes too long to match",
        _ => $"{OneLine(e.Message)} (a fault of this program: VERNIER_TRACE=1 shows where)",
    };

    /// <summary>The message on one line; what the runtime appends about parameters in our code tells a user nothing.</summary>
    private static string OneLine(string message) => RuntimeTalk().Replace(message, "").ReplaceLineEndings(" ");

    [GeneratedRegex(@" \(Parameter '[^']*'\)|\r?\nActual value was .*$", RegexOptions.Singleline)]
    private static partial Regex RuntimeTalk();
}
