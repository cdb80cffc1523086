using System.Text.RegularExpressions;

namespace Vernier.Files.Hub;

/// <summary>Which files of a repository make the model that is to be opened.</summary>
internal static partial class HubModelFiles
{
    private const string Gguf = ".gguf";

    private static readonly string[] s_texts = [".json", ".txt", ".model", ".jinja", ".tiktoken", ".md"];

    /// <summary>The named file with the other shards of its model; the only GGUF model of a repository without a config.json; else what a model folder is made of.</summary>
    /// <exception cref="InvalidDataException">The choice is not clear: says what there is.</exception>
    public static IReadOnlyList<string> Choose(HubReference reference, IReadOnlyList<string> files)
    {
        if (reference.File is { } file)
            return files.Contains(file, StringComparer.Ordinal) ? [file, .. files.Where(other => other != file && AreOne(file, other))] : throw new InvalidDataException($"{reference}: there is no such file");
        if (files.Contains("config.json", StringComparer.Ordinal))
            return Folder(files);
        var models = files.Where(name => name.EndsWith(Gguf, StringComparison.OrdinalIgnoreCase)).GroupBy(name => Shard().Replace(name, "")).ToList();
        return models.Count == 1 ? [.. models[0].Order(StringComparer.Ordinal)] : throw new InvalidDataException(models.Count == 0
            ? $"{reference}: found neither a config.json nor a GGUF file, expected a model"
            : $"{reference}: holds {models.Count} models, say which: {HubReference.Prefix}{reference.Repository}/{string.Join(", ", models.Select(model => model.First()).Order(StringComparer.Ordinal).Take(12))}");
    }

    /// <summary>The model is a file, not a folder.</summary>
    public static bool IsFile(IReadOnlyList<string> chosen) => chosen.All(name => AreOne(chosen[0], name)) && !chosen.Contains("config.json", StringComparer.Ordinal);

    /// <summary>Files of the top folder: weights in safetensors where there are any, else of PyTorch; texts.</summary>
    private static string[] Folder(IReadOnlyList<string> files)
    {
        var safe = files.Any(name => IsWeights(name, ".safetensors"));
        return [.. files.Where(name => !name.Contains('/', StringComparison.Ordinal)
            && (s_texts.Contains(Path.GetExtension(name).ToLowerInvariant()) || IsWeights(name, safe ? ".safetensors" : ".bin")))];
    }

    private static bool IsWeights(string name, string extension) => !name.Contains('/', StringComparison.Ordinal) && name.EndsWith(extension, StringComparison.Ordinal);

    private static bool AreOne(string a, string b) => a == b || Shard().IsMatch(a) && Shard().IsMatch(b) && Shard().Replace(a, "") == Shard().Replace(b, "");

    [GeneratedRegex(@"-[0-9]{5}(?=-of-[0-9]{5}\.gguf$)", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Shard();
}
