using System.Text.Json;

namespace Vernier.Drills;

/// <summary>What a verb left, in a form in which two runs of the same work are equal: file names with contents, without what time and memory say.</summary>
internal static class Outcome
{
    private static readonly string[] s_measured = ["seconds", "rss_mb"];

    /// <param name="path">A file or a folder.</param>
    public static SortedDictionary<string, string> Of(string path)
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (File.Exists(path))
            found[""] = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)));
        else if (Directory.Exists(path))
            foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
                if (Path.GetRelativePath(path, file) is var name && !IsMeasured(name))
                    found[name] = Path.GetFileName(file) == "log.jsonl" ? string.Join('\n', File.ReadLines(file).Select(Line)) : Of(file)[""];
        return found;
    }

    /// <summary>The first difference; null = none.</summary>
    public static string? Difference(SortedDictionary<string, string> expected, SortedDictionary<string, string> found)
    {
        foreach (var name in expected.Keys.Union(found.Keys))
            if (expected.GetValueOrDefault(name) != found.GetValueOrDefault(name))
                return $"'{name}' {(found.ContainsKey(name) ? expected.ContainsKey(name) ? "differs" : "is not expected" : "is missing")}";
        return null;
    }

    // The card and the run file name the run's folder and its times; which checkpoints are kept depends on where a run was stopped.
    private static bool IsMeasured(string name) => name is "README.md" or "config.yaml" or "loss.svg" or "result.json" || name.StartsWith("checkpoint-", StringComparison.Ordinal) || Path.GetFileName(name).StartsWith(".vernier", StringComparison.Ordinal);

    private static string Line(string line) => string.Join(' ', JsonDocument.Parse(line).RootElement.EnumerateObject().Where(f => !s_measured.Contains(f.Name)).Select(f => $"{f.Name}={f.Value.GetRawText()}"));
}
