using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Cli.Demo;
using Vernier.Cli.Terminal;

namespace Vernier.Cli.Verbs;

/// <summary><c>demo [--out DIR]</c>: the whole way without a file: makes a tiny model, rounds it, tunes two tasks, switches, exports, reloads, proves the codes unchanged.</summary>
internal static class DemoVerb
{
    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("demo", "Make a tiny model, quantize it, tune two tasks, switch between them, export and verify; about a minute, no download");
        var output = new Option<string>("--out") { Description = "Folder for the runs, the GGUF files and the loss curve", HelpName = "DIR", DefaultValueFactory = _ => "vernier-demo" }.Marked(OutputKind.Folder);
        command.Add(output);
        command.SetAction((parsed, stop) =>
        {
            var options = new DemoOptions { Seed = parsed.GetValue(common.Seed), Threads = parsed.GetValue(common.Threads) };
            using var run = new DemoRun(options, parsed.GetRequiredValue(output), Console.Error.WriteLine);
            var result = run.Run(stop);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                Print(result);
            JsonResult.Write(json, result);
            return Task.FromResult(result is { CodesEqual: true, SwitchingIsExact: true } ? 0 : 1);
        });
        return command;
    }

    private static void Print(DemoResult result)
    {
        Table(result).Write();
        var c = CultureInfo.InvariantCulture;
        var (first, second) = (result.Tasks[0], result.Tasks[1]);
        Console.Out.WriteLine(result.CodesEqual ? $"codes unchanged in memory and in every file, SHA-256 {result.CodesSha256}" : "codes CHANGED");
        Console.Out.WriteLine(result.SwitchingIsExact ? "switching through all tasks and back: the same perplexities to the last bit" : "switching was NOT exact");
        foreach (var row in result.Rows)
            Console.Out.WriteLine($"  {row.Model} writes: {row.Sample}");
        Console.Out.WriteLine(string.Create(c, $"loss curve: {result.LossChart}; all in {result.Seconds:F0} s"));
        Console.Out.WriteLine($"Try: vernier verify {result.Exports[0].Path} {result.Exports[^1].Path}");
        Console.Out.WriteLine($"     vernier generate {result.Exports[0].Path} --adapter {second.Folder} --prompt \"The fox\" --max-tokens 24");
    }

    private static TextTable Table(DemoResult result)
    {
        var c = CultureInfo.InvariantCulture;
        var table = new TextTable(string.Create(c, $"Perplexity on held-out text; {result.Parameters:N0} weights, {result.Bits} bits, {Columns(result.Group)}"),
            ["model", "stories", "backwards", "facts", "bytes", "switch"]);
        foreach (var row in result.Rows)
        {
            var task = result.Tasks.FirstOrDefault(t => t.Name == row.Model);
            var bytes = task?.Bytes ?? (row == result.Rows[0] ? result.FullBytes : null as long?);
            Add(table, row, task is null ? row.Model : $"scales of '{task.Name}'", bytes, task?.SwitchMicroseconds);
        }
        table.Add();
        foreach (var export in result.Exports)
            Add(table, export.Measured, $"{Path.GetFileName(export.Path)}, loaded again", export.Bytes, null);
        return table;
    }

    private static void Add(TextTable table, DemoRow row, string name, long? bytes, double? microseconds)
    {
        var c = CultureInfo.InvariantCulture;
        table.Add((name, false), Figure(row.Stories, row.Model == "stories"), Figure(row.Backwards, row.Model == "backwards"), Figure(row.Facts, row.Model == "facts"),
            (bytes?.ToString("N0", c) ?? "", false), (microseconds is { } us ? string.Create(c, $"{us:F1} µs") : "", false));
    }

    /// <summary>A perplexity; strong where it is the state's own task.</summary>
    private static (string Text, bool Strong) Figure(double perplexity, bool own) =>
        (perplexity.ToString(perplexity < 1000 ? "F3" : "F0", CultureInfo.InvariantCulture), own);

    private static string Columns(int group) => group == 0 ? "one scale a row" : $"one scale for {group} columns";
}
