using System.CommandLine;
using System.CommandLine.Completions;
using Vernier.Evaluation;
using Vernier.Tuning;

namespace Vernier.Cli.Help;

/// <summary>What a shell offers at a place of the command line: verbs, options, values of options that are names. Files are the shell's own business.</summary>
internal static class Completions
{
    /// <summary>Gives the options of a command the values that they do not know themselves.</summary>
    public static void AddTo(Command command)
    {
        foreach (var option in command.Options)
            if (option.Name == "--task" && command.Name == "eval")
                option.CompletionSources.Add([.. Evaluator.TaskNames]);
            else if (option.Name == "--shape")
                option.CompletionSources.Add([.. ModelShapes.Names]);
        foreach (var part in command.Subcommands)
            AddTo(part);
    }

    /// <summary>One word a line, at the end of a command line.</summary>
    /// <param name="line">What was typed, up to the cursor, without the program's name.</param>
    public static IReadOnlyList<string> At(RootCommand root, string line)
    {
        var parsed = root.Parse(line);
        var word = line.Length == 0 || line[^1] == ' ' ? "" : line[(line.LastIndexOf(' ') + 1)..];
        var before = line[..(line.Length - word.Length)].TrimEnd();
        var words = before.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Any(unmatched => unmatched != word))
            return [];
        // The value of the option before the cursor: its own names, or a file.
        if (words.Length > 0 && words[^1].StartsWith("--", StringComparison.Ordinal) && Known(command).FirstOrDefault(o => o.Name == words[^1]) is { } open && TakesValue(open))
            return Matching(open.CompletionSources.SelectMany(source => source(CompletionContext.Empty)).Select(item => item.Label), word);
        IEnumerable<string> offered = word.StartsWith('-')
            ? Known(command).Where(o => !o.Hidden && !words.Contains(o.Name)).Select(o => o.Name)
            : command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name)
                .Concat(command.Arguments.SelectMany(a => a.CompletionSources.SelectMany(source => source(CompletionContext.Empty))).Select(item => item.Label));
        return Matching(offered, word);
    }

    private static IEnumerable<Option> Known(Command command) =>
        command.Options.Concat(command.Parents.OfType<Command>().SelectMany(Known).Where(o => o.Recursive));

    private static bool TakesValue(Option option) => option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0;

    private static List<string> Matching(IEnumerable<string> offered, string word) =>
        [.. offered.Where(name => name.StartsWith(word, StringComparison.OrdinalIgnoreCase)).Distinct()];
}
