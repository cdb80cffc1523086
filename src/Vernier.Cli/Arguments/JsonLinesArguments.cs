using System.CommandLine;
using Vernier.Cli.Terminal;
using Vernier.Files.Disk;

namespace Vernier.Cli.Arguments;

/// <summary><c>--file IN.jsonl --out OUT.jsonl</c>, one output line for each input line, in order.</summary>
internal sealed class JsonLinesArguments
{
    private JsonLinesArguments(string rows) => Input = new Option<string>("--file") { Description = $"Input, JSON Lines: {rows}", HelpName = "IN.jsonl", Required = true };

    public Option<string> Input { get; }

    public Option<string> Output { get; } = new Option<string>("--out") { Description = "Output, JSON Lines; - for stdout", HelpName = "OUT.jsonl", Required = true }.Marked(OutputKind.Rows);

    /// <param name="rows">What a line holds, for help.</param>
    public static JsonLinesArguments AddTo(Command command, string rows)
    {
        var arguments = new JsonLinesArguments(rows);
        command.Add(arguments.Input);
        command.Add(arguments.Output);
        return arguments;
    }

    /// <summary>Runs <paramref name="write"/> on the input path and the output. Rows written before a failure stay where nothing was replaced.</summary>
    public T Write<T>(ParseResult parsed, Func<string, TextWriter, T> write)
    {
        var (input, output) = (parsed.GetRequiredValue(Input), parsed.GetRequiredValue(Output));
        InputFile.Require(input);
        if (output == OutputFile.StandardOutput)
            return write(input, Screen.RawOutput);
        using var file = new ReplacingText(output);
        try
        {
            var result = write(input, file.Writer);
            file.Commit();
            return result;
        }
        catch (Exception e) when (e is not IOException && !File.Exists(output))
        {
            file.Commit();
            throw;
        }
    }
}
