using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Vernier.Calibration;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Export;
using Vernier.Kernels;
using Vernier.Quantization;

namespace Vernier.Cli.Verbs;

/// <summary><c>quantize MODEL --bits --group --scheme S --out PATH</c>: a packed model, as a GGUF file or a native folder.</summary>
internal sealed class QuantizeVerb
{
    private readonly Argument<string> _model = new("MODEL") { Description = "A .gguf file, a model folder, or hf:OWNER/NAME[/FILE] of the hub" };
    private readonly Option<string[]> _overrides = new Option<string[]>("--override") { Description = "Other bits for linears whose name matches, e.g. 'down_proj=8'; may be repeated", HelpName = "REGEX=BITS" }.Marked(OutputKind.Text);
    private readonly Option<string?> _calibration = new("--calibration") { Description = "Text that gptq takes its moments from", HelpName = "FILE" };
    private readonly Option<string> _output = new Option<string>("--out") { Description = "A file ending in .gguf, or else a folder in Vernier's own format, which holds every width and group", HelpName = "PATH", Required = true }.Marked(OutputKind.FileOrFolder);
    private readonly CommonOptions _common;
    private readonly OptionBinding<QuantizeOptions> _options;
    private readonly SplitOption _split;

    private QuantizeVerb(Command command)
    {
        command.Add(_model);
        _options = new OptionBinding<QuantizeOptions>(command);
        foreach (var option in (Option[])[_overrides, _calibration, _output])
            command.Add(option);
        _split = SplitOption.AddTo(command);
        _common = CommonOptions.AddTo(command);
    }

    public static Command Create()
    {
        var command = new Command("quantize", "Quantize the linears of a model by RTN, clip search or GPTQ");
        return command.WithAction(new QuantizeVerb(command).Run);
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
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
            Console.Error.WriteLine($"vernier: {path} is quantized already: its dequantized weights are quantized again, which adds to the error they have");

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
        foreach (var note in written.Notes)
            Console.Error.WriteLine($"vernier: NOTE: {note}");
        var json = parsed.GetValue(_common.Json);
        if (json != "-")
            Print(result);
        JsonResult.Write(json, result);
        return 0;
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

    private static void Print(QuantizeResult result)
    {
        var c = CultureInfo.InvariantCulture;
        foreach (var kind in result.Layers.GroupBy(l => (Leaf: l.Name[(l.Name.LastIndexOf('.') + 1)..], l.Bits)))
            Console.Out.WriteLine(string.Create(c, $"  {kind.Key.Leaf,-10} {kind.Count(),3} of {kind.Key.Bits} bits, relative error {100 * kind.Average(l => l.RelativeError):0.###} % (worst {100 * kind.Max(l => l.RelativeError):0.###} %)"));
        Console.Out.WriteLine(string.Create(c, $"{result.Layers.Count} linears by {result.Scheme} in {result.Seconds:F1} s"));
        Console.Out.WriteLine($"codes SHA-256 {result.CodesSha256}");
        Console.Out.WriteLine(string.Create(c, $"{result.Path}: {result.Format}, {result.Bytes / 1e6:F1} MB"));
    }
}
