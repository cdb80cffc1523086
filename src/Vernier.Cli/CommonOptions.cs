using System.CommandLine;
using Vernier.Tuning;

namespace Vernier.Cli;

/// <summary>The options that every verb takes.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Json { get; } = new("--json") { Description = "Write the result as JSON to FILE; - for stdout", HelpName = "FILE" };

    public Option<int> Threads { get; } = NumberOption.Of<LoadOptions, int>(nameof(LoadOptions.Threads));

    public Option<int> Seed { get; } = NumberOption.Of<TuneOptions, int>(nameof(TuneOptions.Seed));

    /// <summary>Adds the options to a verb.</summary>
    public static CommonOptions AddTo(Command command)
    {
        var common = new CommonOptions();
        command.Add(common.Json);
        command.Add(common.Threads);
        command.Add(common.Seed);
        return common;
    }
}
