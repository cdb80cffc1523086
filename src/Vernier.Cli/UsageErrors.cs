using System.CommandLine;
using System.CommandLine.Parsing;
using Vernier.Cli.Verbs;
using Vernier.Options;

namespace Vernier.Cli;

/// <summary>What is wrong with a command line, in one line.</summary>
internal static class UsageErrors
{
    /// <summary>The mistake; null where there is none.</summary>
    /// <param name="args">The words as they were given.</param>
    public static string? Find(ParseResult parsed, string[] args)
    {
        var command = parsed.CommandResult;
        // An option that is not known passes for an argument.
        var words = command.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Concat(command.Tokens).Select(t => t.Value).Concat(parsed.UnmatchedTokens);
        if (words.FirstOrDefault(word => word.Length > 1 && word[0] == '-' && IsOption(word, args)) is { } option)
            return UnknownOption(command.Command, option);
        // With --help the parser finds no error.
        if (parsed.UnmatchedTokens.FirstOrDefault() is { } unknown && (parsed.Errors.Count > 0 || command.Command.Subcommands.Count > 0))
            return UnknownWord(command.Command, unknown);
        // Where the second time brings no value, the parser takes the first.
        if (command.Children.OfType<OptionResult>().FirstOrDefault(o => o.IdentifierTokenCount > 1 && o.Option.Arity is { MinimumNumberOfValues: 1, MaximumNumberOfValues: 1 }) is { } twice)
            return Repeated(twice);
        if (parsed.Errors.Count == 0)
            return null;
        var absent = parsed.Errors.Select(e => e.SymbolResult).OfType<OptionResult>().Where(o => o.IdentifierToken is null && o.Option.Required).Select(o => o.Option).Distinct().ToList();
        if (absent.Count > 1 && absent.Count == parsed.Errors.Count)
            return $"{Name(command.Command)} needs {string.Join(" and ", absent.Select(o => $"{o.Name} {o.HelpName ?? "VALUE"}"))}";
        return string.Join("; ", parsed.Errors.Select(e => Missing(e, command) ?? e.Message.TrimEnd('.')).Distinct());
    }

    /// <summary>Behind -- every word is an argument.</summary>
    private static bool IsOption(string word, string[] args)
    {
        var end = Array.IndexOf(args, "--");
        return Array.IndexOf(args, word, 0, end < 0 ? args.Length : end) >= 0;
    }

    private static string UnknownOption(Command command, string word)
    {
        var name = word.Split('=', ':')[0];
        var options = Chain(command).SelectMany(c => c.Options).Where(o => !o.Hidden).Select(o => o.Name).ToList();
        return $"unknown option '{name}'{HintOrHelp(command, name, options)}";
    }

    private static string UnknownWord(Command command, string word)
    {
        if (command.Subcommands.Count == 0)
            return $"'{word}' is one argument too many; {Help(command)}";
        var verbs = command is RootCommand ? VerbList.All.Select(v => v.Name) : command.Subcommands.Select(c => c.Name);
        return $"unknown verb '{word}'{HintOrHelp(command, word, [.. verbs])}";
    }

    private static string HintOrHelp(Command command, string word, IReadOnlyList<string> known) =>
        Suggestion.Hint(word, known) is { Length: > 0 } hint ? hint : $"; {Help(command)}";

    /// <summary>In our words, what the parser misses; null where it says something else.</summary>
    private static string? Missing(ParseError error, CommandResult command) => error.SymbolResult switch
    {
        OptionResult { Tokens.Count: 0 } o when o.Option.Arity.MinimumNumberOfValues > 0 && o.IdentifierToken is not null => $"{o.Option.Name} needs a value: {o.Option.Name} {o.Option.HelpName ?? "VALUE"}",
        OptionResult { IdentifierTokenCount: > 1 } o when o.Option.Arity.MaximumNumberOfValues == 1 => Repeated(o),
        OptionResult { IdentifierToken: null, Option.Required: true } o => $"{Name(command.Command)} needs {o.Option.Name} {o.Option.HelpName ?? "VALUE"}",
        ArgumentResult { Tokens.Count: 0 } a when a.Argument.Arity.MinimumNumberOfValues > 0 => $"{Name(command.Command)} needs {a.Argument.Name}: {a.Argument.Description}; 'vernier {Name(command.Command)} --help' says more",
        CommandResult c when c.Command.Subcommands.Count > 0 => $"{Name(c.Command)} needs one of {OptionRules.AnyOf([.. c.Command.Subcommands.Select(s => s.Name)])}; {Help(c.Command)}",
        CommandResult c when c.Command.Options.FirstOrDefault(o => o.Required && c.GetResult(o) is null) is { } missing => $"{Name(c.Command)} needs {missing.Name} {missing.HelpName ?? "VALUE"}",
        _ => null,
    };

    private static string Repeated(OptionResult o) => $"{o.Option.Name} is given {o.IdentifierTokenCount} times, expected once";

    private static string Help(Command command) => $"'vernier {(command is RootCommand ? "" : Name(command) + " ")}--help' lists them";

    /// <summary>The words that call a command: adapter diff.</summary>
    private static string Name(Command command) => string.Join(' ', Chain(command).Where(c => c is not RootCommand).Select(c => c.Name));

    private static IEnumerable<Command> Chain(Command command) => command.Parents.OfType<Command>().SelectMany(Chain).Append(command);
}
