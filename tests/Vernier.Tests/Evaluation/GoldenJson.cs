using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Vernier.TestSupport;

namespace Vernier.Tests.Evaluation;

/// <summary>Reads the evaluation goldens.</summary>
internal static class GoldenJson
{
    public const string Folder = "goldens/eval";

    public static JsonElement Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }

    /// <summary>Names of the files of a folder below <see cref="Folder"/>, as theory rows.</summary>
    public static TheoryData<string> Rows(string folder, string pattern)
    {
        var rows = new TheoryData<string>();
        foreach (var path in SharedFiles.Match($"{Folder}/{folder}", pattern))
            rows.Add(Path.GetFileName(path));
        return rows;
    }

    public static string At(string folder, string name) => SharedFiles.At($"{Folder}/{folder}/{name}");

    public static int[] Ints(this JsonElement json) => [.. json.EnumerateArray().Select(e => e.GetInt32())];

    public static string[] Strings(this JsonElement json) => [.. json.EnumerateArray().Select(e => e.GetString()!)];

    public static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
