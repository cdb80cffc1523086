using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Evaluation;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

/// <summary>A perplexity golden: its settings stand in its name.</summary>
internal sealed partial record PerplexityGolden(string Task, string DataPath, PerplexityConvention Convention, int Context, JsonElement Json)
{
    public static TheoryData<string> StreamRows { get; } = Select(rolling: false);

    public static TheoryData<string> RollingRows { get; } = Select(rolling: true);

    public static PerplexityGolden Read(string file)
    {
        var json = GoldenJson.Read(GoldenJson.At("perplexity", file));
        var ptb = file.StartsWith("ptb", StringComparison.Ordinal);
        var data = SharedFiles.At(ptb ? "data/ptb/ptb.valid.txt" : "data/wikitext2/wiki.test.raw");
        var task = ptb ? "ptb" : "wikitext2";
        if (json.TryGetProperty("max_length", out var length))
            return new(task, data, PerplexityConvention.LmEval, length.GetInt32(), json);
        var parts = Settings().Match(file);
        return new(task, data, Enum.Parse<PerplexityConvention>(parts.Groups[1].Value, ignoreCase: true), int.Parse(parts.Groups[2].Value), json);
    }

    private static TheoryData<string> Select(bool rolling)
    {
        var rows = new TheoryData<string>();
        foreach (var path in SharedFiles.Match($"{GoldenJson.Folder}/perplexity", "*.json"))
            if (GoldenJson.Read(path).TryGetProperty("max_length", out _) == rolling)
                rows.Add(Path.GetFileName(path));
        return rows;
    }

    [GeneratedRegex(@"(gptq|strided|llamacpp)_?(\d+)")]
    private static partial Regex Settings();
}
