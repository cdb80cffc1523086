using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Cli.Runs;
using Vernier.Cli.Terminal;
using Vernier.Data;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Cli.Verbs;

/// <summary><c>tune MODEL --data FILE --method M ... --out DIR</c>: a tuning run.</summary>
internal sealed class TuneVerb
{
    private readonly Argument<string?> _model = new("MODEL") { Description = "A .gguf file, a model folder, or hf:OWNER/NAME[/FILE] of the hub; may stand in the run file", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _data = new("--data") { Description = "Training data: text, or JSON Lines or Parquet of text, prompt/completion, Alpaca, messages or input_ids", HelpName = "FILE" };
    private readonly Option<string?> _evalData = new("--eval-data") { Description = "Validation data: its loss is taken before and after", HelpName = "FILE" };
    private readonly Option<string?> _output = new Option<string?>("--out") { Description = "Folder of the run: adapter, log, loss curve, card, checkpoints", HelpName = "DIR" }.Marked(OutputKind.Run);
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on from the last checkpoint in --out" };
    private readonly Option<string?> _config = new("--config") { Description = "Run file with these options by name; the command line wins", HelpName = "run.yaml" };
    private readonly Option<ComputeMode?> _compute = ChoiceOption.Of<ComputeMode>("--compute", "Arithmetic of the matrix products: fp32 or int8 [default: fp32]");
    private readonly CommonOptions _common;
    private readonly OptionBinding<TuneOptions> _options;

    private TuneVerb(Command command)
    {
        command.Add(_model);
        foreach (var option in (Option[])[_data, _evalData, _output, _resume, _config, _compute])
            command.Add(option);
        _common = CommonOptions.AddTo(command);
        _options = new OptionBinding<TuneOptions>(command, except: "seed");
    }

    public static Command Create()
    {
        var command = new Command("tune", "Tune a model: by default only the scales of its quantized linears");
        return command.WithAction(new TuneVerb(command).Run);
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
        var file = parsed.GetValue(_config) is { } path ? Load(path) : new RunFile();
        var options = _options.Apply(parsed, file.Options);
        if (parsed.GetResult(_common.Seed) is { Implicit: false } || !file.Set.Contains("seed"))
            options = options with { Seed = parsed.GetValue(_common.Seed) };
        options = UsageException.Unless(options.Checked);
        var model = parsed.GetValue(_model) ?? file.Model ?? throw new UsageException("no MODEL, neither on the command line nor in the run file");
        var data = parsed.GetValue(_data) ?? file.Data ?? throw new UsageException("--data is required");
        var evalData = parsed.GetValue(_evalData) ?? file.EvalData;
        var output = parsed.GetValue(_output) ?? file.Output ?? throw new UsageException("--out is required");
        OutputGuard.RequireApart(Named(("--out", output), ("--json", parsed.GetValue(_common.Json))), Named(("MODEL", model), ("--data", data), ("--eval-data", evalData), ("--config", parsed.GetValue(_config))));
        var (resume, force) = (parsed.GetValue(_resume), parsed.GetValue(_common.Force));
        if (!resume && !force && Tuner.HoldsFinishedRun(output))
            throw new UsageException($"--out {output} would overwrite a finished run: give another folder, or --force to replace it");
        Tuner.RequireFolder(output, resume, force);
        var load = new LoadOptions { Threads = parsed.GetValue(_common.Threads), Mode = parsed.GetValue(_compute) ?? ComputeMode.Fp32 };

        using var loaded = ModelLoading.Load(model, load);
        var (rows, evalRows) = (LoadData(loaded, data, options), evalData is null ? null : LoadData(loaded, evalData, options));
        using var progress = new TuneProgressBar();
        var tuner = new Tuner(loaded, options, rows, evalRows, output) { Evaluating = progress.Evaluating };
        TuneOutlook.Write(model, loaded, tuner.Options, rows, evalRows, output);
        Interruption.WaitForState();
        progress.Begin();
        var result = tuner.Run(resume, progress.Report, stop, force);
        progress.Dispose();
        var json = parsed.GetValue(_common.Json);
        // The outlook has said what does not fill a row.
        foreach (var warning in result.Warnings.Distinct().Except(((TrainingData?[])[rows, evalRows]).Where(d => d?.Counts.TokensLeftOut > 0).SelectMany(d => d!.Notes)))
            Console.Error.WriteLine($"vernier: WARNING: {warning}");
        Print(parsed, result, TuningMethods.Of(tuner.Options).KeepsCodes, output, json == "-" ? Console.Error : Console.Out);
        JsonResult.Write(json, result);
        return 0;
    }

    private static RunFile Load(string path)
    {
        try
        {
            return RunFile.Load(path);
        }
        catch (InvalidDataException e) when (e.InnerException is FormatException)
        {
            throw new UsageException(e.Message); // it asks for what no run takes
        }
    }

    /// <summary>Those that are given.</summary>
    private static List<OutputGuard.Named> Named(params (string Name, string? Path)[] paths) =>
        [.. paths.Where(p => p.Path is { Length: > 0 }).Select(p => new OutputGuard.Named(p.Name, p.Path!))];

    private static TrainingData LoadData(LanguageModel model, string path, TuneOptions options) =>
        TrainingData.Load(path, model, options.Rows, Interruption.Token);

    private static void Print(ParseResult parsed, TuneResult result, bool keepsCodes, string output, TextWriter to)
    {
        var c = CultureInfo.InvariantCulture;
        to.WriteLine(string.Create(c, $"step {result.Step} of {result.Steps}: loss {result.Loss:F4}, {result.TrainableParameters:N0} trained values, peak memory {result.PeakResidentMegabytes:F0} MB"));
        if (result is { InitialEval: { } before, FinalEval: { } after })
            to.WriteLine(string.Create(c, $"validation loss {before:F4} -> {after:F4} (perplexity {Math.Exp(before):F3} -> {Math.Exp(after):F3})"));
        if (result is { BroughtEval: { } brought, StartEval: { } start })
            to.WriteLine(string.Create(c, $"  the model as it was brought {brought:F4}, rounded anew before the first step {start:F4}"));
        if (result.KeptStep != result.Step)
            to.WriteLine($"kept: the state {(result.KeptStep == 0 ? "before the first step" : $"after step {result.KeptStep}")}, where the validation loss was lowest");
        if (result.StoppedEarly)
            to.WriteLine("ended early: the validation loss did not fall any more (--patience)");
        if (result.CodesEqual is { } equal)
            to.WriteLine(equal ? $"codes unchanged, SHA-256 {result.CodesSha256}"
                : keepsCodes ? "codes CHANGED"
                : "new integer codes: this method trains the codes together with the scales, which is what it is for");
        to.WriteLine(result.Finished ? $"adapter in {output}" : $"stopped; go on with: {Again(parsed)}");
    }

    /// <summary>The command that goes on with the run: the same words, without what ended it or would begin it anew.</summary>
    private static string Again(ParseResult parsed)
    {
        var words = parsed.Tokens.Select(t => t.Value).ToList();
        if (words.IndexOf("--stop-after") is >= 0 and var at)
            words.RemoveRange(at, Math.Min(2, words.Count - at));
        return $"vernier {string.Join(' ', words.Where(w => w is not ("--force" or "--resume")).Select(TuneOutlook.Quoted))} --resume";
    }
}
