using System.Text.Json;
using Vernier.Files.Gguf;
using Vernier.TestSupport;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>The golden files of goldens/tokenizers and every tokenizer here that each of them judges.</summary>
internal static class TokenizerGoldens
{
    public const string Folder = "goldens/tokenizers";
    private static readonly Dictionary<string, LoadedTokenizer> Loaded = [];

    /// <summary>Pairs of a golden file and a tokenizer file of the same place, by their names.</summary>
    public static TheoryData<string, string> Pairs()
    {
        var pairs = new TheoryData<string, string>();
        foreach (var golden in Goldens())
            foreach (var file in FilesFor(golden))
                if (!SharedFiles.IsCopy(SharedFiles.At(golden)) || !SharedFiles.IsCopy(SharedFiles.At(file)))
                    pairs.Add(golden, file);
        return pairs;
    }

    // Copies too: beside each of them may lie more tokenizers.
    private static IEnumerable<string> Goldens() => SharedFiles.Folders(Folder).SelectMany(place => Directory.EnumerateFiles(place, "*.json"))
        .Where(path => Path.GetFileName(path) != "chat_templates.json").Select(SharedFiles.NameOf).Order(StringComparer.Ordinal);

    public static JsonElement Read(string golden) => JsonDocument.Parse(File.ReadAllText(SharedFiles.At(golden))).RootElement;

    public static LoadedTokenizer Load(string file)
    {
        lock (Loaded)
        {
            if (!Loaded.TryGetValue(file, out var loaded))
                Loaded[file] = loaded = LoadNew(SharedFiles.At(file));
            return loaded;
        }
    }

    public static int[] Ids(this JsonElement owner, string name) => [.. owner.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    public static string Text(this JsonElement owner, string name) => owner.GetProperty(name).GetString()!;

    private static LoadedTokenizer LoadNew(string path)
    {
        if (!path.EndsWith(".gguf", StringComparison.Ordinal))
            return TokenizerLoader.FromFile(path);
        using var file = GgufFile.Open(path);
        return TokenizerLoader.FromGguf(file.Metadata, path) ?? throw new InvalidDataException($"{path}: no tokenizer");
    }

    private static IEnumerable<string> FilesFor(string golden) => Of(Path.GetFileNameWithoutExtension(golden), Path.Combine(SharedFiles.At(golden), "../../..")).Select(SharedFiles.NameOf);

    private static IEnumerable<string> Of(string golden, string place) => golden switch
    {
        "smollm2" => Files(place, "models/SmolLM2-135M-Instruct", "*.gguf"),
        "llama3" or "mistral" => Files(place, $"tokenizers/{golden}", "tokenizer.json"),
        "llama2" => [.. Files(place, "tokenizers/llama2", "tokenizer.model"), .. Files(place, "tokenizers/llama2", "tokenizer.bin"), .. Files(place, "tokenizers/llama2", "tokenizer.json")],
        "gpt2" => [.. Files(place, "tokenizers/gpt2", "encoder.json"), .. Files(place, "tokenizers/gpt2", "gpt2.tiktoken")],
        "tok512" => [.. Files(place, Folder, "tok512.bin"), .. Files(place, Folder, "tok512.model"),
            .. Files(place, "goldens/formats/gguf_real", "stories260K-*.gguf"), .. Files(place, "goldens/formats/gguf_real", "llama2xs-*.gguf")],
        "tiny_bpe_gpt2" => [.. Files(place, "goldens/formats/gguf_models", "tokenizer_bpe_gpt2.json"), .. TinyBytePair(place, "gpt-2")],
        "tiny_bpe_smollm" => [.. Files(place, "goldens/formats/gguf_models", "tokenizer_bpe_smollm.json"), .. TinyBytePair(place, "smollm")],
        _ => throw new InvalidDataException($"no tokenizer files are known for the golden file {golden}"),
    };

    private static IEnumerable<string> Files(string place, string folder, string pattern) =>
        Path.GetFullPath(Path.Combine(place, folder)) is var path && Directory.Exists(path) ? Directory.EnumerateFiles(path, pattern).Order(StringComparer.Ordinal) : [];

    private static IEnumerable<string> TinyBytePair(string place, string pre) => Files(place, "goldens/formats/gguf_models", "*_bpe.gguf").Where(file =>
    {
        using var gguf = GgufFile.Open(file);
        return gguf.Metadata.FindString("tokenizer.ggml.pre") == pre;
    });
}
