using System.CommandLine;
using System.Globalization;
using Vernier.Adapters;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Tensors;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Cli.Verbs;

/// <summary><c>export MODEL [--adapter DIR] --to FORMAT --out PATH</c>: the merged model.</summary>
internal sealed class ExportVerb
{
    private static readonly string[] Formats = ["gguf", .. PackedExport.Formats, "hf", "native"];

    private readonly Option<string> _to = new("--to") { Description = "gguf: a file in the block formats that came in; gptq, awq, mlx: a folder of the same codes in that packing; hf: a folder, dequantized; native: a folder of codes and scales to the bit", Required = true };
    private readonly Option<string> _type = new("--dtype") { Description = "Type of plain numbers, and of the scales of gptq, awq and mlx: f32, f16 or bf16 [default: hf f32; gptq, awq and mlx as in a source of that packing, else f16; gguf as in the source]" };
    private readonly Option<string> _output = new Option<string>("--out") { Description = "The file (gguf) or folder (all others) to write", HelpName = "PATH", Required = true }.Marked(OutputKind.FileOrFolder);
    private readonly Option<bool> _mergeLossy = new("--merge-lossy") { Description = "Round the sum of codes and a low-rank path to codes again (qlora, qat-lora), and measure what that loses on --eval-data" };
    private readonly Option<string?> _evalData = new("--eval-data") { Description = "Text whose perplexity --merge-lossy takes before and after", HelpName = "FILE" };
    private readonly Option<int> _windows = NumberOption.Whole("--windows", "Windows of 512 tokens that --merge-lossy takes at most", "[1, 2147483647]", 20);
    private readonly Option<bool> _untie = new("--untie") { Description = "hf, gptq, awq: write a head that is the embedding table out once more, for readers that do not tie them (AutoGPTQ)" };
    private readonly Option<string> _checkpointFormat = new("--checkpoint-format") { Description = "gptq: how zero points are stored, less one (gptq) or as they are (gptq_v2) [default: as in a source of that packing; else gptq where all are the middle one, else gptq_v2]" };
    private readonly Option<string?> _baseModel = new("--base-model") { Description = "Repository (OWNER/NAME) under which others find the model that this was made from, for the card", HelpName = "NAME" };
    private readonly CommonOptions _common;
    private readonly ModelArguments _model;
    private readonly SplitOption _split;

    private ExportVerb(Command command)
    {
        _common = CommonOptions.AddTo(command);
        _model = ModelArguments.AddTo(command, _common);
        _to.Among(Formats);
        _type.Among("f32", "f16", "bf16");
        _checkpointFormat.Among("gptq", "gptq_v2");
        foreach (var option in (Option[])[_to, _type, _output, _untie, _checkpointFormat, _baseModel, _mergeLossy, _evalData, _windows])
            command.Add(option);
        _split = SplitOption.AddTo(command);
    }

    public static Command Create()
    {
        var command = new Command("export", "Write the tuned model in the format that came in (same codes, new scales) or in another one");
        return command.WithAction(new ExportVerb(command).Run);
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
        RequireFit(parsed);
        var split = _split.Of(parsed, parsed.GetValue(_to) == "gguf", parsed.GetRequiredValue(_output), new OutputGuard.Named("MODEL", parsed.GetRequiredValue(_model.Model)));
        using var model = _model.Open(parsed, out var adapter);
        adapter?.Merge(model, stop);
        var (before, after) = MergeLossy(model, adapter, parsed, stop);
        var format = parsed.GetRequiredValue(_to);
        using var writing = new ProgressLine($"writing {Path.GetFileName(Path.TrimEndingDirectorySeparator(parsed.GetRequiredValue(_output)))}");
        var result = Write(model, adapter, split, parsed, stop) with { PerplexityBefore = before, PerplexityAfter = after };
        var keepsSourceFiles = (format == "gguf") == (model.Source.Kind == SourceKind.Gguf);
        if (!keepsSourceFiles && model.TokenizerProblem is { } problem)
            Console.Error.WriteLine($"vernier: WARNING: the tokenizer is left out, because it cannot be read: {problem.Message}");
        var json = parsed.GetValue(_common.Json);
        foreach (var note in result.Notes)
            Console.Error.WriteLine($"vernier: NOTE: {note}");
        Print(result, json == "-" ? Console.Error : Console.Out);
        JsonResult.Write(json, result);
        return 0;
    }

    /// <exception cref="UsageException">An option that the format has no use for.</exception>
    private void RequireFit(ParseResult parsed)
    {
        var format = parsed.GetRequiredValue(_to);
        if (parsed.GetValue(_mergeLossy) && parsed.GetValue(_evalData) is null)
            throw new UsageException("--merge-lossy needs --eval-data FILE: what it loses is measured");
        if (parsed.GetValue(_untie) && format is not ("hf" or "gptq" or "awq"))
            throw new UsageException($"--untie is for hf, gptq and awq, not for {format}");
        if (parsed.GetValue(_checkpointFormat) is not null && format != "gptq")
            throw new UsageException($"--checkpoint-format is for gptq, not for {format}");
    }

    /// <summary>What lies beside codes and is not merged exactly: rounded into them where --merge-lossy says so.</summary>
    /// <returns>Perplexities before and after; null where nothing was rounded.</returns>
    /// <exception cref="NotSupportedException">It would have to be rounded, and nobody said so.</exception>
    private (double? Before, double? After) MergeLossy(LanguageModel model, Adapter? adapter, ParseResult parsed, CancellationToken stop)
    {
        if (!LossyMerge.IsNeeded(model) || adapter is null)
            return (null, null);
        if (parsed.GetValue(_mergeLossy))
        {
            var before = Perplexity(model, parsed, stop);
            LossyMerge.Apply(model, stop);
            return (before, Perplexity(model, parsed, stop));
        }
        var method = TuningMethods.Of(adapter.Config.Options);
        if (method.Merges == MergeResult.BesideCodes && parsed.GetRequiredValue(_to) != "hf")
            throw new NotSupportedException($"an adapter of {method.Name} lies beside rounded weights: merging it rounds the sum again and loses part of what was learned. "
                + $"--merge-lossy --eval-data FILE does it and measures the loss; --to hf merges it in full precision; {string.Join(" and ", ExactMethods())} merge exactly");
        return (null, null);
    }

    private ExportResult Write(LanguageModel model, Adapter? adapter, long? split, ParseResult parsed, CancellationToken stop)
    {
        var (format, path, type) = (parsed.GetRequiredValue(_to), parsed.GetRequiredValue(_output), parsed.GetValue(_type));
        ElementType? elements = type is null ? null : Enum.Parse<ElementType>(type, ignoreCase: true);
        var options = new ExportOptions
        {
            Untie = parsed.GetValue(_untie),
            CheckpointFormat = parsed.GetValue(_checkpointFormat),
            BaseModel = parsed.GetValue(_baseModel),
            SplitBytes = split,
            Adapter = adapter is null ? null : (Path.GetFileName(Path.TrimEndingDirectorySeparator(parsed.GetValue(_model.AdapterFolder)!)), adapter.Config.Options.Method),
        };
        return format switch
        {
            "gguf" => GgufExport.Write(model, path, type is null ? null : BlockFormats.Find(type), stop, options),
            "native" => NativeExport.Write(model, path, stop, options),
            "hf" => HuggingFaceExport.Write(model, path, elements ?? ElementType.F32, stop, options),
            _ => PackedExport.Write(model, path, format, elements, stop, options),
        };
    }

    /// <summary>Methods that train low-rank factors and end with codes.</summary>
    private static IEnumerable<string> ExactMethods() =>
        TuningMethods.All.Where(m => m.NeedsCodes && m.Merges == MergeResult.Exact && m.HasRank(new TuneOptions { Method = m.Name })).Select(m => m.Name);

    private double Perplexity(LanguageModel model, ParseResult parsed, CancellationToken stop)
    {
        var file = parsed.GetRequiredValue(_evalData)!;
        using var scorer = new DecoderScorer(model.Decoder, model.Compute, cancel: stop);
        using var progress = new ProgressLine("perplexity");
        var options = new EvaluationOptions { Context = Math.Min(512, model.Config.ContextLength), Windows = parsed.GetValue(_windows) };
        return new Perplexity(scorer, Prompts.Tokenizer(model), model.Config.ContextLength).Measure(Path.GetFileName(file), file, options, (done, total) => progress.Report(done, total), stop).Perplexity;
    }

    private static void Print(ExportResult result, TextWriter to)
    {
        var c = CultureInfo.InvariantCulture;
        if (result is { PerplexityBefore: { } before, PerplexityAfter: { } after })
            to.WriteLine(string.Create(c, $"the merge rounded again: perplexity {before:F4} before, {after:F4} after ({(after / before - 1) * 100:+0.00;-0.00} %)"));
        to.WriteLine(string.Create(c, $"{result.Path}{(result.Shards > 1 ? $" and {result.Shards - 1} more" : "")}: {result.Tensors} tensors, {result.Bytes / 1e6:F1} MB, {string.Join(", ", result.TensorFormats)}"));
    }
}
