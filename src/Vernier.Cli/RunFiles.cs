using System.Buffers;
using System.Text.Json;
using Vernier.Files;

namespace Vernier.Cli;

/// <summary>Which files beside a model, an adapter or a run are theirs, and which are a user's results.</summary>
internal static class RunFiles
{
    private const int Looked = 4096;
    private const int MostOfALine = 1 << 24;
    private static readonly SearchValues<byte> s_space = SearchValues.Create(" \t\r\n"u8);
    private static readonly string[] s_settings =
    [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "adapter_config.json", "quantize_config.json", "quant_config.json", "state.json", "preprocessor_config.json",
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

    /// <summary>A file that looks like an earlier result: JSON, or nothing yet, and not the settings of a model.</summary>
    public static bool IsJsonResult(string path)
    {
        var name = Path.GetFileName(path);
        if (s_settings.Contains(name) || name.EndsWith(".index.json", StringComparison.Ordinal))
            return false;
        using var file = InputFile.OpenRead(path);
        var start = new byte[Math.Min(Looked, file.Length)];
        file.ReadExactly(start);
        var end = new byte[start.Length];
        file.Seek(-end.Length, SeekOrigin.End);
        file.ReadExactly(end);
        var (first, last) = (start.AsSpan().IndexOfAnyExcept(s_space), end.AsSpan().LastIndexOfAnyExcept(s_space));
        return first < 0 || start[first] is (byte)'{' && end[last] is (byte)'}' || start[first] is (byte)'[' && end[last] is (byte)']';
    }
}
