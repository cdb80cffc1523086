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

    /// <summary>Pairs of a golden file and a tokenizer file, both relative to the root.</summary>
    public static TheoryData<string, string> Pairs()
    {
        var pairs = new TheoryData<string, string>();
        foreach (var golden in Goldens())
            foreach (var file in FilesFor(golden))
                if (SharedFiles.WhyMissing(file) is null)
                    pairs.Add(golden, file);
        return pairs;
    }

    public static IEnumerable<string> Goldens() => SharedFiles.Match(Folder, "*.json")
        .Select(path => Path.GetFileNameWithoutExtension(path)).Where(name => name != "chat_templates");

    public static JsonElement Read(string golden) =>
        JsonDocument.Parse(File.ReadAllText(SharedFiles.At($"{Folder}/{golden}.json"))).RootElement;

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

    private static IEnumerable<string> FilesFor(string golden) => golden switch
    {
        "smollm2" => Gguf("models/SmolLM2-135M-Instruct", "*.gguf"),
        "llama3" or "mistral" => [$"tokenizers/{golden}/tokenizer.json"],
        "llama2" => ["tokenizers/llama2/tokenizer.model", "tokenizers/llama2/tokenizer.bin", "tokenizers/llama2/tokenizer.json"],
        "gpt2" => ["tokenizers/gpt2/encoder.json", "tokenizers/gpt2/gpt2.tiktoken"],
        "tok512" => [$"{Folder}/tok512.bin", $"{Folder}/tok512.model",
            .. Gguf("goldens/formats/gguf_real", "stories260K-*.gguf"), .. Gguf("goldens/formats/gguf_real", "llama2xs-*.gguf")],
        "tiny_bpe_gpt2" => ["goldens/formats/gguf_models/tokenizer_bpe_gpt2.json", .. TinyBytePair("gpt-2")],
        "tiny_bpe_smollm" => ["goldens/formats/gguf_models/tokenizer_bpe_smollm.json", .. TinyBytePair("smollm")],
        _ => throw new InvalidDataException($"no tokenizer files are known for the golden file {golden}"),
    };

    private static IEnumerable<string> Gguf(string folder, string pattern) =>
        SharedFiles.Match(folder, pattern).Select(path => $"{folder}/{Path.GetFileName(path)}");

    private static IEnumerable<string> TinyBytePair(string pre) => Gguf("goldens/formats/gguf_models", "*_bpe.gguf").Where(file =>
    {
        using var gguf = GgufFile.Open(SharedFiles.At(file));
        return gguf.Metadata.FindString("tokenizer.ggml.pre") == pre;
    });
}
