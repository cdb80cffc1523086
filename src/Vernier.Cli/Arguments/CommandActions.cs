using System.CommandLine;

namespace Vernier.Cli.Arguments;

/// <summary>What a verb does when it is called.</summary>
internal static class CommandActions
{
    /// <summary>Gives a verb its action and returns the verb.</summary>
    /// <param name="action">Takes the parsed command line and what stops it; returns the exit code.</param>
    public static Command WithAction(this Command command, Func<ParseResult, CancellationToken, int> action)
    {
        command.SetAction((parsed, stop) => Task.FromResult(action(parsed, stop)));
        return command;
    }
}
