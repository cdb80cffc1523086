using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Runs;
using Vernier.Files.Disk;
using Vernier.Inspection;
using Vernier.Models;
using Vernier.Options;
using Vernier.Tuning;

namespace Vernier.Cli.Verbs;

/// <summary><c>sweep MODEL --data FILE --lr A,B --method X,Y ... --out DIR</c>: a tuning run for every combination, one after the other, and their comparison.</summary>
internal sealed class SweepVerb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A .gguf file, a model folder, or hf:OWNER/NAME[/FILE] of the hub" };
    private readonly Option<string> _data = new("--data") { Description = "Training data, as tune takes it", HelpName = "FILE", Required = true };
    private readonly Option<string?> _evalData = new("--eval-data") { Description = "Validation data: what the runs are compared by", HelpName = "FILE" };
    private readonly Option<string> _output = new Option<string>("--out") { Description = "Folder that gets a run's folder for every combination, and compare.svg", HelpName = "DIR", Required = true }.Marked(OutputKind.Run);
    private readonly Option<ComputeMode?> _compute = ChoiceOption.Of<ComputeMode>("--compute", "Arithmetic of the matrix products: fp32 or int8 [default: fp32]");
    private readonly Option<string?> _json = new Option<string?>("--json") { Description = "Write the result as JSON to FILE; - for stdout", HelpName = "FILE" }.Marked(OutputKind.Result);
    private readonly Option<int> _threads = NumberOption.Of<LoadOptions, int>(nameof(LoadOptions.Threads));
    private readonly Option<bool> _force = new("--force") { Description = "Do finished runs anew, and replace what --json names" };
    private readonly SweepPlan _plan;

    private SweepVerb(Command command)
    {
        command.Add(_model);
        foreach (var option in (Option[])[_data, _evalData, _output, _compute, _json, _threads, _force])
            command.Add(option);
        _plan = SweepPlan.AddTo(command);
    }

    public static Command Create()
    {
        var command = new Command("sweep", "Tune once for every combination of values parted by commas, e.g. --lr 1e-3,3e-3 --method peqa,lora, and compare; finished runs are kept");
        var verb = new SweepVerb(command);
        command.SetAction(verb.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        var output = parsed.GetRequiredValue(_output);
        var runs = _plan.Runs(parsed);
        // Each run would fail by it, and leave the folder behind.
        foreach (var path in (string?[])[parsed.GetRequiredValue(_model), parsed.GetRequiredValue(_data), parsed.GetValue(_evalData)])
            if (path is not null && !Path.Exists(path))
                throw new FileNotFoundException($"{path}: no such file or folder", path);
        Directory.CreateDirectory(output);
        var summaries = new List<RunSummary>();
        foreach (var (i, run) in runs.Index())
        {
            var folder = Path.Combine(output, run.Name);
            if (!parsed.GetValue(_force) && IsFinished(folder, run))
            {
                Console.Error.WriteLine($"run {i + 1} of {runs.Count}, {run.Name}: finished before, kept");
                summaries.Add(RunSummary.Read(folder));
                continue;
            }
            Console.Error.WriteLine($"run {i + 1} of {runs.Count}, {run.Name}");
            summaries.Add(await TuneAsync(parsed, run, folder, stop));
            stop.ThrowIfCancellationRequested();
        }
        var named = RunTable.Named(summaries);
        var json = parsed.GetValue(_json);
        if (json != "-")
            RunTable.Write($"{runs.Count} runs; validation losses in nats a token", named);
        var picture = Path.Combine(output, "compare.svg");
        OutputFile.WriteAllText(picture, ComparisonChart.Svg($"Runs in {Path.GetFileName(Path.TrimEndingDirectorySeparator(output))}", named));
        JsonResult.Write(json, new RunComparison(summaries));
        return summaries.Exists(s => s.Error is null) ? 0 : 1;
    }

    /// <summary>One run, by the verb that users have for it. A run that fails is told of in the table; it does not end the sweep.</summary>
    private async Task<RunSummary> TuneAsync(ParseResult parsed, SweepRun run, string folder, CancellationToken stop)
    {
        var root = new RootCommand { TuneVerb.Create() };
        string[] arguments =
        [
            "tune", parsed.GetRequiredValue(_model), "--data", parsed.GetRequiredValue(_data), "--out", folder, parsed.GetValue(_force) ? "--force" : "--resume",
            .. Given("--eval-data", parsed.GetValue(_evalData)), .. Given("--compute", parsed.GetValue(_compute) is { } mode ? OptionValue.NameOf(mode) : null), .. Given("--threads", parsed.GetResult(_threads) is { Implicit: false } ? $"{parsed.GetValue(_threads)}" : null),
            .. run.Arguments(),
        ];
        var tune = root.Parse(arguments);
        if (tune.Errors.Count > 0)
            throw new UsageException(tune.Errors[0].Message);
        var results = Console.Out;
        Console.SetOut(Console.Error); // a run's own summary is progress here
        try
        {
            await tune.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, stop);
            return RunSummary.Read(folder);
        }
        catch (Exception e) when (e is NotFiniteNumberException or ArgumentException or NotSupportedException or InvalidDataException && !stop.IsCancellationRequested)
        {
            Console.Error.WriteLine($"vernier: {run.Name} failed: {e.Message}");
            return new RunSummary { Path = folder, Status = "failed", Error = e.Message };
        }
        finally
        {
            Console.SetOut(results);
        }
    }

    private static string[] Given(string option, string? value) => value is null ? [] : [option, value];

    /// <exception cref="IOException">The folder holds a finished run with other options.</exception>
    private static bool IsFinished(string folder, SweepRun run)
    {
        if (!Directory.Exists(folder) || !File.Exists(Path.Combine(folder, "config.yaml")) || RunSummary.Read(folder).Status is not ("finished" or "stopped early"))
            return false;
        return run.IsOf(RunFile.Load(Path.Combine(folder, "config.yaml"))) ? true
            : throw new IOException($"{folder}: holds a finished run with other options: remove it, or give another --out");
    }
}
