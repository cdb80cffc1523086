using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Runs;
using Vernier.Files.Disk;
using Vernier.Inspection;

namespace Vernier.Cli.Verbs;

/// <summary><c>compare RUN_OR_MODEL ...</c>: tuning runs and models side by side, as a table and as a picture of their losses.</summary>
internal static class CompareVerb
{
    public static Command Create()
    {
        var command = new Command("compare", "Show runs and models side by side: what was trained, time, memory, loss before and after");
        var paths = new Argument<string[]>("RUN_OR_MODEL") { Description = "Folders of tuning runs, .gguf files or model folders", Arity = ArgumentArity.OneOrMore };
        var svg = new Option<string?>("--svg") { Description = "Draw the losses of all runs into FILE", HelpName = "FILE" }.Marked(OutputKind.File);
        command.Add(paths);
        command.Add(svg);
        var common = CommonOptions.AddTo(command);
        command.SetAction(parsed =>
        {
            var runs = RunTable.Named([.. parsed.GetRequiredValue(paths).Select(RunSummary.Read)]);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                RunTable.Write($"{runs.Count} side by side; validation losses in nats a token", runs);
            if (parsed.GetValue(svg) is { } picture)
                OutputFile.WriteAllText(picture, ComparisonChart.Svg("Losses", runs));
            JsonResult.Write(json, new RunComparison([.. runs.Select(r => r.Run)]));
            return 0;
        });
        return command;
    }
}
