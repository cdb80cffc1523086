using System.CommandLine;
using Vernier.Tuning;

namespace Vernier.Cli.Arguments;

/// <summary>The options that every verb takes.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Json { get; } = new Option<string?>("--json") { Description = "Write the result as JSON to FILE; - for stdout", HelpName = "FILE" }.Marked(OutputKind.Result);

    public Option<int> Threads { get; } = NumberOption.Of<LoadOptions, int>(nameof(LoadOptions.Threads));

    public Option<int> Seed { get; } = NumberOption.Of<TuneOptions, int>(nameof(TuneOptions.Seed));

    public Option<bool> Force { get; } = new("--force") { Description = "Replace what --out names or --json names where it is there already; never what is read" };

    /// <summary>A verb that has these options before its own.</summary>
    public static (Command Command, CommonOptions Common) NewCommand(string name, string summary)
    {
        var command = new Command(name, summary);
        return (command, AddTo(command));
    }

    /// <summary>Adds the options to a verb.</summary>
    public static CommonOptions AddTo(Command command)
    {
        var common = new CommonOptions();
        command.Add(common.Json);
        command.Add(common.Threads);
        command.Add(common.Seed);
        command.Add(common.Force);
        return common;
    }
}
