using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Vernier.Calibration;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Evaluation;
using Vernier.Reading;

namespace Vernier.Cli.Verbs;

/// <summary><c>imatrix MODEL --data FILE --out FILE.gguf</c>: an importance matrix in llama.cpp's GGUF form, for <c>quantize --imatrix</c> and for llama-quantize.</summary>
internal sealed class ImatrixVerb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A .gguf file, a model folder, or hf:OWNER/NAME[/FILE] of the hub" };
    private readonly Option<string> _data = new("--data") { Description = "Text that the model reads, as it is", HelpName = "FILE", Required = true };
    private readonly Option<string> _output = new Option<string>("--out") { Description = "The GGUF file to write", HelpName = "FILE", Required = true }.Marked(OutputKind.File);
    private readonly CommonOptions _common;
    private readonly OptionBinding<ImportanceOptions> _options;

    private ImatrixVerb(Command command)
    {
        command.Add(_model);
        command.Add(_data);
        _options = new OptionBinding<ImportanceOptions>(command);
        command.Add(_output);
        _common = CommonOptions.AddTo(command);
    }

    public static Command Create()
    {
        var command = new Command("imatrix", "Measure how much each input of each linear counts on a text: an importance matrix in llama.cpp's GGUF form, for quantize --imatrix");
        return command.WithAction(new ImatrixVerb(command).Run);
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
        var options = _options.Apply(parsed, new ImportanceOptions());
        var (path, data, output) = (parsed.GetRequiredValue(_model), parsed.GetRequiredValue(_data), parsed.GetRequiredValue(_output));
        using var model = ModelLoading.Load(path, new LoadOptions { Threads = parsed.GetValue(_common.Threads) });
        if (options.Context > model.Config.ContextLength)
            throw new UsageException($"--context is {options.Context}, expected at most the {model.Config.ContextLength} tokens of the model");
        var tokenizer = Prompts.Tokenizer(model);
        var text = TextFile.Read(data);
        var ids = ContinuationEncoding.EncodeText(tokenizer, text.EndsWith('\n') ? text[..^1] : text); // llama.cpp drops a line feed at the end too
        var chunks = ImportanceCollector.Cut(data, ids, options, tokenizer.AddsBos ? tokenizer.BosId : null);

        var started = Stopwatch.GetTimestamp();
        using var progress = new ProgressLine("imatrix");
        var matrix = ImportanceCollector.Collect(model, chunks, [Path.GetFileName(data)], (done, total) => progress.Report(done, total), stop);
        progress.Dispose();
        matrix.Save(output);
        var result = new ImportanceResult(output, new FileInfo(output).Length, matrix.Tensors.Count, matrix.Chunks, matrix.ChunkSize, Stopwatch.GetElapsedTime(started).TotalSeconds);
        var json = parsed.GetValue(_common.Json);
        if (json != "-")
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Path}: importances of {result.Tensors} tensors from {result.Chunks} x {result.ChunkSize} tokens in {result.Seconds:F1} s"));
        JsonResult.Write(json, result);
        return 0;
    }
}
