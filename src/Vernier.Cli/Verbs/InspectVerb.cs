using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Inspection;
using Vernier.Options;

namespace Vernier.Cli.Verbs;

/// <summary><c>inspect MODEL [--tensors]</c>: what a file or folder holds.</summary>
internal static class InspectVerb
{
    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("inspect", "Show architecture, tensors, formats, sizes and the hash of all integer codes");
        var model = new Argument<string>("MODEL") { Description = "A .gguf, .safetensors or .bin file, or a model folder" };
        var tensors = new Option<bool>("--tensors") { Description = "List every tensor" };
        command.Add(model);
        command.Add(tensors);
        command.SetAction((parsed, stop) =>
        {
            var result = FileInspector.Inspect(parsed.GetRequiredValue(model), stop);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                Print(result, parsed.GetValue(tensors));
            JsonResult.Write(json, result);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Print(FileInspection result, bool tensors)
    {
        var c = CultureInfo.InvariantCulture;
        var to = Console.Out;
        to.WriteLine($"{result.Path}");
        to.WriteLine(string.Create(c, $"{result.Kind}{(result.Shard is { } shard ? $" in {result.Shards} shards, of which this is number {shard} (all are read)" : "")}, architecture {result.Architecture ?? "not stated"}{(result.Quantization is { } packing ? $", packed by {packing}" : "")}"));
        to.WriteLine(string.Create(c, $"{result.Parameters:N0} parameters in {result.Tensors.Count} tensors, {result.BitsPerWeight:F3} bits a weight, {result.Bytes / 1e6:F1} MB"));
        if (result.ContextLength is { } context)
            to.WriteLine(string.Create(c, $"context of {context:N0} tokens, vocabulary of {result.Vocabulary:N0}"));
        if (result.Kind is "gguf" or "folder")
            to.WriteLine($"tokenizer: {result.Tokenizer ?? "none"}; chat template: {(result.ChatTemplate is { } template ? $"{template}, SHA-256 {result.ChatTemplateSha256![..12]}" : "none")}");
        if (result.Granularities is { } granularities)
            to.WriteLine(granularities.Count == 0
                ? $"{(result.CodesSha256 is null ? "not quantized" : "its scales take no factor")}: tune with --bits, or with --method lora or full"
                : $"tune its own codes by --granularity {OptionRules.AnyOf(granularities)}");
        if (result.ExportFormats is { } formats)
            to.WriteLine($"then export --to {OptionRules.AnyOf(formats)}");
        foreach (var group in result.Tensors.GroupBy(t => t.Format).OrderByDescending(g => g.Sum(t => t.Bytes)))
            to.WriteLine(string.Create(c, $"  {group.Key,-8} {group.Count(),5} tensors {group.Sum(t => t.Bytes) / 1e6,10:F1} MB"));
        if (result.CodesSha256 is { } hash)
            to.WriteLine($"codes SHA-256 {hash}");
        if (tensors)
            foreach (var tensor in result.Tensors)
                to.WriteLine(string.Create(c, $"  {tensor.Name,-48} {tensor.Format,-8} [{string.Join(", ", tensor.Shape)}] {tensor.Bytes} bytes"));
    }
}
