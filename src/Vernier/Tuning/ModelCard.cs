using System.Globalization;
using System.Text;
using Vernier.Adapters;
using Vernier.Cards;
using Vernier.Data;

namespace Vernier.Tuning;

/// <summary>The README of a run's folder: what was tuned on what, the figures before and after, and how to use it. No absolute path stands in it.</summary>
internal static class ModelCard
{
    private const int LongestExample = 600; // characters

    public static string Markdown(string modelPath, string folder, TuneOptions options, TrainingData data, TrainingData? evalData, TuneResult result, string? license = null)
    {
        var card = new StringBuilder();
        var name = PublicPath.Name(folder);
        var method = TuningMethods.Of(options);
        var baseModel = options.BaseModel ?? PublicPath.HubName(modelPath) ?? PublicPath.Name(modelPath);
        card.Append(HubCard.Header(baseModel, method.PeftType is null ? "vernier" : "peft", Tags(method, baseModel), license));
        Line(card, $"# {(name.Length > 0 ? HubCard.Code(name) : "Adapter")}");
        Line(card, $"");
        Line(card, $"{options.Method} adapter of {(baseModel.Length > 0 ? HubCard.Code(baseModel) : "a model that came from no file")}, tuned on {HubCard.Code(PublicPath.Name(data.Source))} with Vernier {AdapterConfig.ToolVersion}.");
        if (!result.Finished)
            Line(card, $"The run ended after step {result.Step} of {result.Steps} and can be resumed.");
        var notes = data.Notes.Concat(evalData?.Notes ?? []).Select(n => PublicPath.Named(n, data.Source, evalData?.Source)).Distinct().ToList();
        foreach (var warning in result.Warnings.Except(notes))
            Line(card, $"\n> **{warning}**");
        AddLosses(card, evalData, result);
        Line(card, $"\n![loss](loss.svg)\n");
        Line(card, $"| | |\n|---|---|");
        Line(card, $"| trained parameters | {result.TrainableParameters:N0} |");
        Line(card, $"| steps | {result.Step} of {result.Steps}, {Count(options.Batch * options.Accumulate, "row")} each |");
        Line(card, $"| data | {Count(data.Rows, "row")}, {Count(data.Sequences, "sequence")}, {Count(data.Tokens, "token")}, SHA-256 `{data.Sha256()}` |");
        Line(card, $"| codes | {Codes(method, result)} |");
        if (result.CodesSha256 is not null)
            Line(card, $"| SHA-256 of the codes | `{result.CodesSha256}` |");
        Line(card, $"| largest resident memory | {result.PeakResidentMegabytes:F0} MB |");
        foreach (var note in notes)
            Line(card, $"\n{note}");
        if (modelPath.Length > 0)
        {
            var (model, adapter) = (HubCard.Argument(PublicPath.OrName(modelPath)), HubCard.Argument(PublicPath.OrName(folder)));
            Line(card, $"\n## Use\n\n```\nvernier generate {model} --adapter {adapter} --prompt {Example(data)}\nvernier export {model} --adapter {adapter} {Target(method, options, modelPath).Arguments}\n```");
        }
        Line(card, $"");
        Line(card, $"All options of the run are in `config.yaml`, its losses in `log.jsonl`.{(result.CodesSha256 is null ? "" : " The adapter fits only the model with these codes.")}");
        return card.ToString();
    }

    private static void AddLosses(StringBuilder card, TrainingData? evalData, TuneResult result)
    {
        if (result is not { InitialEval: { } before, FinalEval: { } after })
            return;
        Line(card, $"\n| | before | after |\n|---|---|---|");
        Line(card, $"| validation loss, nats a token ({HubCard.Code(PublicPath.Name(evalData!.Source))}) | {before:F4} | {after:F4} |");
        if (result is { BroughtEval: { } brought, StartEval: { } start })
            Line(card, $"| of the model as it was brought; rounded anew before the first step | {brought:F4}; {start:F4} | |");
        Line(card, $"| validation perplexity | {Math.Exp(before):F3} | {Math.Exp(after):F3} |");
    }

    private static void Line(StringBuilder card, FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Count(long number, string what) => string.Create(CultureInfo.InvariantCulture, $"{number:N0} {what}{(number == 1 ? "" : "s")}");

    /// <summary>A prompt of the data as an argument of a shell: the adapter's form is put around it by the command.</summary>
    private static string Example(TrainingData data) =>
        data.Prompt?.Example is { Length: > 0 and <= LongestExample } prompt && !prompt.Any(c => char.IsControl(c) && c is not '\n') && !prompt.Contains("```", StringComparison.Ordinal)
            ? $"'{prompt.Replace("'", "'\\''", StringComparison.Ordinal)}'"
            : "\"...\"";

    private static IEnumerable<string> Tags(TuningMethod method, string baseModel) =>
        new[] { "vernier", method.Name, method.PeftType?.ToLowerInvariant() ?? method.Name }.Distinct().Concat(HubCard.BaseTag(baseModel, "adapter"));

    private static string Codes(TuningMethod method, TuneResult result) => result.CodesEqual switch
    {
        true => "unchanged",
        false when !method.KeepsCodes => $"new ones: {method.Name} trains the codes",
        false => "CHANGED",
        null when !result.Finished => "not compared: the run has not ended",
        null => "none: nothing is quantized",
    };

    private static ExportTarget Target(TuningMethod method, TuneOptions options, string modelPath) =>
        method.Export(options, new ExportSource(IsQuantized: false, IsGguf: modelPath.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)));
}
