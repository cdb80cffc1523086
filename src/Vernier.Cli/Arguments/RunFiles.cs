using System.Buffers;
using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Cli.Arguments;

/// <summary>Which files beside a model, an adapter or a run are theirs, and which are a user's results.</summary>
internal static class RunFiles
{
    private const int MostOfALine = 1 << 24;
    private static readonly SearchValues<byte> s_space = SearchValues.Create(" \t\r\n"u8);
    private static readonly string[] s_settings =
    [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "adapter_config.json", "quantize_config.json", "quant_config.json", "state.json", "preprocessor_config.json", "vernier.json",
    ];

    /// <summary>Keys of models' settings and of data, which no result has at its top.</summary>
    private static readonly string[] s_foreign =
    [
        "model_type", "architectures", "weight_map", "added_tokens", "peft_type", "chat_template", "messages", "conversations", "instruction", "completion", "input_ids",
        "Instances",
    ];

    /// <summary>A new file beside an adapter's own, such as the result of its evaluation.</summary>
    public static bool IsBesideAdapter(string output, string adapter) =>
        File.Exists(Path.Combine(adapter, "adapter_config.json")) && !File.Exists(Path.Combine(adapter, "config.json"))
        && !Directory.Exists(output) && Path.GetFileName(output) is not "result.json" && FilePlace.IsSame(Path.GetDirectoryName(Path.GetFullPath(output))!, adapter)
        && (!File.Exists(output) || IsJsonResult(output));

    /// <summary>The run file that a run wrote down itself: a run may be resumed by it.</summary>
    public static bool IsOwnRunFile(string run, string input) =>
        FilePlace.IsSame(Path.Combine(run, "config.yaml"), input) && File.Exists(Path.Combine(run, "log.jsonl"));

    /// <summary>A file that an earlier score or tokenize wrote: its first row has what only they add.</summary>
    public static bool IsRowsResult(string path)
    {
        using var file = InputFile.OpenRead(path);
        var start = new byte[Math.Min(MostOfALine, file.Length)];
        file.ReadExactly(start);
        var end = start.AsSpan().IndexOf((byte)'\n');
        try
        {
            using var row = JsonDocument.Parse(start.AsMemory(0, end < 0 ? start.Length : end));
            return row.RootElement.ValueKind == JsonValueKind.Object
                && (Has("logprobs") || Has("pieces") || Has("stream_end") || Has("messages") && Has("ids"));

            bool Has(string name) => row.RootElement.TryGetProperty(name, out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A file that looks like an earlier result: one JSON object, or nothing yet. The settings of models, what a run wrote of itself, and data are none.</summary>
    public static bool IsJsonResult(string path)
    {
        var name = Path.GetFileName(path);
        if (s_settings.Contains(name) || name.EndsWith(".index.json", StringComparison.Ordinal) || IsOfARun(path, name))
            return false;
        if (new FileInfo(path).Length > InputFile.MaxSettingsBytes)
            return false;
        var content = InputFile.ReadAllBytes(path);
        if (content.AsSpan().IndexOfAnyExcept(s_space) < 0)
            return true;
        try
        {
            using var document = JsonDocument.Parse(content);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && !s_foreign.Any(key => root.TryGetProperty(key, out _)) && !IsText(root);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool IsOfARun(string path, string name) =>
        name is "log.jsonl" or "result.json" && Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && File.Exists(Path.Combine(folder, "adapter_config.json"));

    /// <summary>A record of nothing but text; what generate writes has ids too.</summary>
    private static bool IsText(JsonElement root) => root.EnumerateObject().All(p => p.Name is "text" or "ids") && root.EnumerateObject().Count() == 1;
}
