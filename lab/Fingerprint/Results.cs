using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Vernier.Fingerprint;

/// <summary>What a job left that must not change: no times, no cards, and no version of the program.</summary>
internal static partial class Results
{
    private static readonly string[] s_kinds = [".safetensors", ".gguf", ".json", ".jsonl"];
    private static readonly string[] s_measured = ["result.json", "log.jsonl", "compare.json"];

    /// <summary>Names below the folder, with hashes.</summary>
    public static IEnumerable<(string Name, string Hash)> Of(string folder, string name)
    {
        var files = Directory.Exists(Path.Combine(folder, name))
            ? Directory.EnumerateFiles(Path.Combine(folder, name), "*", SearchOption.AllDirectories)
            : Directory.EnumerateFiles(folder, name + ".*");
        foreach (var file in files)
            if (IsStable(Path.GetRelativePath(folder, file)))
                yield return (Path.GetRelativePath(folder, file).Replace('\\', '/'), Hash(file));
    }

    private static bool IsStable(string path) =>
        s_kinds.Contains(Path.GetExtension(path)) && !s_measured.Contains(Path.GetFileName(path)) && !path.Contains("checkpoint-", StringComparison.Ordinal);

    private static string Hash(string file)
    {
        var bytes = File.ReadAllBytes(file);
        if (Path.GetExtension(file) == ".json")
            bytes = Encoding.UTF8.GetBytes(Version().Replace(Encoding.UTF8.GetString(bytes), "$1"));
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    [GeneratedRegex("(vernier:|\"version\": ?\")[0-9][^\"]*")]
    private static partial Regex Version();
}
