using System.Globalization;
using System.Text;
using Vernier.Data;

namespace Vernier.Tuning;

/// <summary>The README of a run's folder: what was tuned on what, the figures before and after, and how to use it.</summary>
internal static class ModelCard
{
    private const int LongestExample = 600; // characters

    public static string Markdown(string modelPath, string folder, TuneOptions options, TrainingData data, TrainingData? evalData, TuneResult result)
    {
        var card = new StringBuilder();
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
        Line($"# {(name.Length > 0 ? name : "Adapter")}");
        Line($"");
        Line($"{options.Method} adapter of {Path.GetFileName(Path.TrimEndingDirectorySeparator(modelPath))}, tuned on {Path.GetFileName(data.Source)} with Vernier {Adapters.AdapterConfig.ToolVersion}.");
        if (!result.Finished)
            Line($"The run ended after step {result.Step} of {result.Steps} and can be resumed.");
        foreach (var warning in result.Warnings)
            Line($"\n> **{warning}**");
        Line($"\n| | before | after |\n|---|---|---|");
        if (result.InitialEval is { } before && result.FinalEval is { } after)
        {
            Line($"| validation loss, nats a token ({Path.GetFileName(evalData!.Source)}) | {before:F4} | {after:F4} |");
            if (result is { BroughtEval: { } brought, StartEval: { } start })
                Line($"| of the model as it was brought; rounded anew before the first step | {brought:F4}; {start:F4} | |");
            Line($"| validation perplexity | {Math.Exp(before):F3} | {Math.Exp(after):F3} |");
        }
        Line($"| codes unchanged | | {(result.CodesEqual is { } equal ? equal ? "yes" : "no" : "nothing is quantized")} |");
        Line($"\n![loss](loss.svg)\n");
        Line($"| | |\n|---|---|");
        Line($"| trained parameters | {result.TrainableParameters} |");
        Line($"| steps | {result.Step} of {result.Steps}, {options.Batch * options.Accumulate} rows each |");
        Line($"| data | {data.Rows} rows, {data.Sequences} sequences, {data.Tokens} tokens, SHA-256 `{data.Sha256()}` |");
        if (result.CodesSha256 is not null)
            Line($"| SHA-256 of the codes | `{result.CodesSha256}` |");
        Line($"| largest resident memory | {result.PeakResidentMegabytes:F0} MB |");
        Line($"\n## Use\n\n```\nvernier generate {modelPath} --adapter {folder} --prompt {Example(data)}\nvernier export {modelPath} --adapter {folder} --to gguf --out tuned.gguf\n```\n");
        Line($"All options of the run are in `config.yaml`, its losses in `log.jsonl`. The adapter fits only the model with these codes.");
        return card.ToString();

        void Line(FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>A prompt of the data as an argument of a shell: the adapter's form is put around it by the command.</summary>
    private static string Example(TrainingData data) =>
        data.Prompt?.Example is { Length: > 0 and <= LongestExample } prompt && !prompt.Any(c => char.IsControl(c) && c is not '\n') && !prompt.Contains("```", StringComparison.Ordinal)
            ? $"'{prompt.Replace("'", "'\\''", StringComparison.Ordinal)}'"
            : "\"...\"";
}
