using System.CommandLine;
using Vernier.Cli.Terminal;

namespace Vernier.Cli;

/// <summary><c>--file IN.jsonl --out OUT.jsonl</c>, one output line for each input line, in order.</summary>
internal sealed class JsonLinesArguments
{
    private JsonLinesArguments(string rows) => Input = new Option<string>("--file") { Description = $"Input, JSON Lines: {rows}", HelpName = "IN.jsonl", Required = true };

    public Option<string> Input { get; }

    public Option<string> Output { get; } = new("--out") { Description = "Output, JSON Lines; - for stdout", HelpName = "OUT.jsonl", Required = true };

    /// <param name="rows">What a line holds, for help.</param>
    public static JsonLinesArguments AddTo(Command command, string rows)
    {
        var arguments = new JsonLinesArguments(rows);
        command.Add(arguments.Input);
        command.Add(arguments.Output);
        return arguments;
    }

    /// <summary>Runs <paramref name="write"/> on the input path and the output. Rows written before a failure stay.</summary>
    public T Write<T>(ParseResult parsed, Func<string, TextWriter, T> write)
    {
        var (input, output) = (parsed.GetRequiredValue(Input), parsed.GetRequiredValue(Output));
        if (output == "-")
            return write(input, Screen.RawOutput);
        if (!File.Exists(input))
            throw new FileNotFoundException($"{input}: no such file");
        if (Path.GetFullPath(input) == Path.GetFullPath(output))
            throw new UsageException($"--out {output} would overwrite --file");
        using var writer = new StreamWriter(output);
        return write(input, writer);
    }
}
