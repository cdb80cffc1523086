using System.CommandLine;
using System.CommandLine.Invocation;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;

namespace Vernier.Cli.Help;

/// <summary>The page of <c>--help</c>: usage, an example, arguments, options in groups; readable from 40 columns on.</summary>
internal sealed class HelpPage : SynchronousCommandLineAction
{
    private const int Widest = 120;
    private const int Narrowest = 40;
    private const int LeftMost = 34; // columns that names may take
    private const int Indent = 2;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        Screen.RawOutput.Write(Text(command, Math.Clamp(Columns, Narrowest, Widest)));
        return 0;
    }

    /// <summary>The page.</summary>
    /// <param name="width">Columns.</param>
    public static string Text(Command command, int width)
    {
        var page = new List<string>();
        Paragraph(page, command.Description + ".", 0, width);
        page.Add("");
        Paragraph(page, "Usage: " + Usage(command), 7, width);
        if (HelpContent.Example(Words(command)) is { } example)
            Paragraph(page, "Example: " + example, 9, width);
        Table(page, "Arguments", command.Arguments.Where(a => !a.Hidden).Select(a => (a.Name, a.Description ?? "")), width);
        Table(page, command is RootCommand ? "Verbs" : "Parts", command.Subcommands.Where(c => !c.Hidden).Select(c => (c.Name, c.Description ?? "")), width);
        foreach (var (heading, options) in HelpContent.Groups(Words(command), Options(command)))
            Table(page, heading, options.Select(o => (Left(o), o.Description + (o.Required ? " (required)" : Default(o)))), width);
        if (command.Subcommands.Count > 0)
        {
            page.Add("");
            Paragraph(page, $"vernier {string.Concat(Words(command).Select(w => w + " "))}{(command is RootCommand ? "VERB" : "PART")} --help shows the options.", 0, width);
        }
        return string.Join('\n', page) + "\n";
    }

    private static int Columns => int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), out var columns) && columns > 0 ? columns
        : Console.IsOutputRedirected ? 80 : Screen.Width;

    private static IEnumerable<Option> Options(Command command) =>
        Chain(command).SelectMany(c => c.Options.Where(o => c == command || o.Recursive)).Where(o => !o.Hidden).DistinctBy(o => o.Name);

    /// <summary>The command, then those around it.</summary>
    private static IEnumerable<Command> Chain(Command command) => command.Parents.OfType<Command>().SelectMany(Chain).Prepend(command);

    private static IReadOnlyList<string> Words(Command command) => [.. Chain(command).Where(c => c is not RootCommand).Reverse().Select(c => c.Name)];

    private static string Usage(Command command)
    {
        string[] parts =
        [
            "vernier", .. Words(command),
            .. command.Arguments.Where(a => !a.Hidden).Select(a => (a.Arity.MinimumNumberOfValues == 0 ? $"[{a.Name}]" : a.Name) + (a.Arity.MaximumNumberOfValues > 1 ? "..." : "")),
            .. command.Options.Where(o => o.Required).Select(Left),
            command is RootCommand ? "VERB [arguments] [options]" : command.Subcommands.Count > 0 ? "PART [arguments] [options]" : "[options]",
        ];
        return string.Join(' ', parts);
    }

    private static string Left(Option option) => option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool) ? option.Name : $"{option.Name} {option.HelpName ?? "VALUE"}";

    private static string Default(Option option)
    {
        var value = option.HasDefaultValue && option.Description?.Contains("[default", StringComparison.Ordinal) != true ? option.GetDefaultValue() : null;
        return value is Array ? "" : OptionHelp.Default(value);
    }

    private static void Table(List<string> page, string heading, IEnumerable<(string Left, string Right)> rows, int width)
    {
        var lines = rows.ToList();
        if (lines.Count == 0)
            return;
        page.Add("");
        page.Add(heading + ":");
        var column = Math.Min(LeftMost, lines.Max(l => l.Left.Length)) + 2 * Indent;
        var narrow = width - column < 30;
        foreach (var (left, right) in lines)
        {
            // Names that are too long for their column, and all on a narrow page, stand on a line of their own.
            var at = narrow ? 3 * Indent : column;
            if (narrow || left.Length + 2 * Indent > column)
                Paragraph(page, new string(' ', Indent) + left, 2 * Indent, width);
            Paragraph(page, (narrow || left.Length + 2 * Indent > column ? new string(' ', at) : (new string(' ', Indent) + left).PadRight(at)) + right, at, width);
        }
    }

    /// <summary>Words in lines; a word that is longer than a line is cut behind a | or a comma, or anywhere.</summary>
    /// <param name="hanging">Columns before all lines but the first.</param>
    private static void Paragraph(List<string> page, string text, int hanging, int width)
    {
        var start = text.Length - text.TrimStart(' ').Length;
        var line = text[..start];
        var empty = true;
        // A name column that was padded stays as it is.
        if (hanging > start && text.Length > hanging && text[..hanging].EndsWith("  ", StringComparison.Ordinal))
            (line, text, empty) = (text[..hanging], text[hanging..], true);
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var rest = word;
            while (true)
            {
                var needed = line.Length + (empty ? 0 : 1) + rest.Length;
                if (needed <= width)
                {
                    line += (empty ? "" : " ") + rest;
                    empty = false;
                    break;
                }
                if (!empty)
                {
                    page.Add(line);
                    (line, empty) = (new string(' ', hanging), true);
                    continue;
                }
                var room = width - line.Length;
                var cut = rest.LastIndexOfAny(['|', ',', '/'], room - 1) is var at and > 0 ? at + 1 : room;
                page.Add(line + rest[..cut]);
                (line, rest) = (new string(' ', hanging), rest[cut..]);
            }
        }
        page.Add(line.TrimEnd());
    }
}
