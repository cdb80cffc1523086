using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Vernier.Calibration;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Inspection;
using Vernier.Kernels;
using Vernier.Options;
using Vernier.Quantization;

namespace Vernier.Cli.Verbs;

/// <summary><c>quantize MODEL --bits --group --scheme S --out PATH</c>: a packed model, as a GGUF file or a native folder; <c>quantize MODEL --to q4_k_m --out FILE.gguf</c>:
/// a GGUF file in llama.cpp's block formats.</summary>
internal sealed class QuantizeVerb
{
    private static readonly string[] s_schemeOnly = ["--bits", "--group", "--scheme", "--act-order", "--damping", "--skip-tokens", "--samples", "--context", "--override", "--calibration"];

    private readonly Argument<string> _model = new("MODEL") { Description = "A .gguf file, a model folder, or hf:OWNER/NAME[/FILE] of the hub" };
    private readonly Option<string[]> _overrides = new Option<string[]>("--override") { Description = "Other bits for linears whose name matches, e.g. 'down_proj=8'; may be repeated", HelpName = "REGEX=BITS" }.Marked(OutputKind.Text);
    private readonly Option<string?> _calibration = new("--calibration") { Description = "Text that gptq takes its moments from", HelpName = "FILE" };
    private readonly Option<string> _output = new Option<string>("--out") { Description = "A file ending in .gguf, or else a folder in Vernier's own format, which holds every width and group", HelpName = "PATH", Required = true }.Marked(OutputKind.FileOrFolder);
    private readonly Option<string?> _to = new("--to") { Description = "Instead of --bits: llama.cpp's block formats by one of its mixtures, in upper or lower case: " + OptionRules.AnyOf(BlockMixture.Names), HelpName = "TYPE" };
    private readonly Option<string?> _importance = new("--imatrix") { Description = "With --to: importance matrix that errors are weighed by, as llama-imatrix or vernier imatrix wrote it", HelpName = "FILE" };
    private readonly CommonOptions _common;
    private readonly OptionBinding<QuantizeOptions> _options;
    private readonly SplitOption _split;

    private QuantizeVerb(Command command)
    {
        command.Add(_model);
        _options = new OptionBinding<QuantizeOptions>(command);
        foreach (var option in (Option[])[_overrides, _calibration, _to, _importance, _output])
            command.Add(option);
        _split = SplitOption.AddTo(command);
        _to.Marked(OutputKind.Text).CompletionSources.Add([.. BlockMixture.Names]);
        _common = CommonOptions.AddTo(command);
    }

    public static Command Create()
    {
        var command = new Command("quantize", "Quantize the linears of a model by RTN, clip search or GPTQ, or the whole model to llama.cpp's block formats");
        return command.WithAction(new QuantizeVerb(command).Run);
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
        if (parsed.GetValue(_to) is { } to)
            return RunBlocks(parsed, to, stop);
        if (parsed.GetValue(_importance) is not null)
            throw new UsageException("--imatrix goes with --to TYPE");
        var options = UsageException.Unless((_options.Apply(parsed, new QuantizeOptions()) with { Overrides = [.. (parsed.GetValue(_overrides) ?? []).Select(Override)] }).Checked);
        var (path, output) = (parsed.GetRequiredValue(_model), parsed.GetRequiredValue(_output));
        var calibration = parsed.GetValue(_calibration);
        if (options.Scheme == QuantizationScheme.GptqName && calibration is null)
            throw new UsageException("--scheme gptq needs --calibration FILE");
        var gguf = output.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        var split = _split.Of(parsed, gguf, output, new OutputGuard.Named("MODEL", path));
        using var model = ModelLoading.Load(path, new LoadOptions { Threads = parsed.GetValue(_common.Threads) });
        if (gguf)
            GgufExport.RequireHolds(model, options);
        var requantized = model.Decoder.Linears.Any(l => l.Weight is PackedMatrix);
        if (requantized)
            TellRequantized(path);

        var started = Stopwatch.GetTimestamp();
        var batches = options.Scheme == QuantizationScheme.GptqName ? CalibrationData.Load(model, calibration!, options, parsed.GetValue(_common.Seed), stop) : null;
        var (done, total) = (0, model.Decoder.Linears.Count);
        using var progress = new ProgressLine("quantize");
        var layers = ModelQuantizer.Quantize(model.Decoder, model.Compute, options, batches,
            _ => progress.Report(++done, total), stop);
        progress.Dispose();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        using var writing = new ProgressLine($"writing {Path.GetFileName(Path.TrimEndingDirectorySeparator(output))}");
        var written = gguf ? GgufExport.Write(model, output, cancel: stop, options: new ExportOptions { SplitBytes = split }) : NativeExport.Write(model, output, stop);
        var result = new QuantizeResult(written.Path, written.Format, written.Bytes, options.Scheme, options.Bits, options.Group, model.CodesSha256(stop), requantized, seconds, layers);
        Report(parsed, result with { Notes = written.Notes });
        return 0;
    }

    private int RunBlocks(ParseResult parsed, string to, CancellationToken stop)
    {
        var (path, output) = (HubArguments.Path(parsed.GetRequiredValue(_model), stop), parsed.GetRequiredValue(_output));
        if (BlockMixture.Find(to) is not { } mixture)
            throw new UsageException($"--to is '{to}', expected {OptionRules.AnyOf(BlockMixture.Names)}{Suggestion.Hint(to, BlockMixture.Names)}");
        if (parsed.CommandResult.Children.OfType<OptionResult>().FirstOrDefault(o => !o.Implicit && s_schemeOnly.Contains(o.Option.Name)) is { } other)
            throw new UsageException($"{other.Option.Name} does not go with --to, whose mixture says all of it");
        if (!output.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            throw new UsageException($"--out {output}: --to writes a GGUF file, give a name that ends in .gguf");
        var split = _split.Of(parsed, gguf: true, output, new OutputGuard.Named("MODEL", path));
        var importance = parsed.GetValue(_importance) is { } file ? ImportanceMatrix.Load(file) : null;
        using var progress = new ProgressLine("quantize");
        var options = new BlockQuantizeOptions { To = mixture.Name, Importance = importance, SplitBytes = split, Threads = parsed.GetValue(_common.Threads), Progress = (done, total) => progress.Report(done, total) };
        var result = Directory.Exists(path) ? FromFolder(path, output, options, stop) : FromFile(path, output, options, stop);
        progress.Dispose();
        if (File.Exists(result.Path))
        {
            using var written = GgufFile.Open(result.Path);
            result = result with { CodesSha256 = GgufCodes.Sha256(written, stop) };
        }
        Report(parsed, result);
        return 0;
    }

    private static QuantizeResult FromFile(string path, string output, BlockQuantizeOptions options, CancellationToken stop)
    {
        using var file = GgufFile.Open(path);
        if (file.Tensors.Any(t => t.Format.Codes is not null))
            TellRequantized(path);
        return GgufQuantizer.Write(file, output, options, stop);
    }

    private static QuantizeResult FromFolder(string path, string output, BlockQuantizeOptions options, CancellationToken stop)
    {
        using var model = ModelLoading.Load(path, new LoadOptions { Threads = options.Threads });
        if (model.Decoder.Linears.Any(l => l.Weight is PackedMatrix))
            TellRequantized(path);
        return GgufQuantizer.Write(model, output, options, stop);
    }

    private static void TellRequantized(string path) =>
        Console.Error.WriteLine($"vernier: {path} is quantized already: its dequantized weights are quantized again, which adds to the error they have");

    private void Report(ParseResult parsed, QuantizeResult result)
    {
        foreach (var note in result.Notes)
            Console.Error.WriteLine($"vernier: NOTE: {note}");
        var json = parsed.GetValue(_common.Json);
        if (json != "-")
            Print(result);
        JsonResult.Write(json, result);
    }

    private static (string Pattern, int Bits) Override(string text)
    {
        var at = text.LastIndexOf('=');
        if (at <= 0 || !int.TryParse(text[(at + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var bits))
            throw new UsageException($"--override '{text}' is not REGEX=BITS, e.g. down_proj=8");
        try
        {
            _ = new Regex(text[..at]);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--override '{text}': {e.Message}");
        }
        return (text[..at], bits);
    }

    /// <summary>The last part of a module's path, or of a tensor's.</summary>
    private static string Leaf(string name) => (name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name).Split('.')[^1];

    private static void Print(QuantizeResult result)
    {
        var c = CultureInfo.InvariantCulture;
        foreach (var kind in result.Layers.GroupBy(l => (Leaf: Leaf(l.Name), Form: l.Format ?? $"{l.Bits} bits")))
            Console.Out.WriteLine(string.Create(c, $"  {kind.Key.Leaf,-10} {kind.Count(),3} of {kind.Key.Form}, relative error {100 * kind.Average(l => l.RelativeError):0.###} % (worst {100 * kind.Max(l => l.RelativeError):0.###} %)"));
        Console.Out.WriteLine(string.Create(c, $"{result.Layers.Count} {(result.Layers.Any(l => l.Format is not null) ? "tensors" : "linears")} by {result.Scheme} in {result.Seconds:F1} s"));
        Console.Out.WriteLine($"codes SHA-256 {result.CodesSha256}");
        Console.Out.WriteLine(string.Create(c, $"{result.Path}: {result.Format}, {result.Bytes / 1e6:F1} MB"));
    }
}
