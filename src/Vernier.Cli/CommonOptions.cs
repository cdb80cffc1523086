using System.CommandLine;

namespace Vernier.Cli;

/// <summary>The options that every verb takes.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Json { get; } = new("--json") { Description = "Write the result as JSON to FILE; - for stdout", HelpName = "FILE" };

    public Option<int> Threads { get; } = new("--threads") { Description = "Worker threads; 0 = one for each processor", HelpName = "N" };

    public Option<int> Seed { get; } = new("--seed") { Description = "Seed of everything random", HelpName = "N", DefaultValueFactory = _ => 1 };

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
